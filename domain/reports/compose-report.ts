import { comparePaired } from '../metrics/aggregate/compare-paired.ts';
import type { PairedComparison } from '../metrics/aggregate/compare-paired.ts';
import { summarizeScores } from '../metrics/aggregate/summarize-scores.ts';
import { decideVerdict } from '../metrics/gates/decide-verdict.ts';
import type { MeasuredMetric } from '../metrics/gates/decide-verdict.ts';
import type { Gate } from '../metrics/gates/gate.ts';
import { summarizeTags } from './summarize-tags.ts';
import type { EvaluationReport, ReportChange, ReportComparison, ReportMetric } from './evaluation-report.ts';

/** What a report is composed from. Cases that never ended are in `measured` as rows that are unscored. */
export type ReportSource = Pick<
  EvaluationReport,
  'evaluation' | 'dataset' | 'target' | 'baseline' | 'variants' | 'cases'
> & {
  readonly gates: readonly Gate[];
  readonly measured: readonly MeasuredMetric[];
  /** Scores that differ by no more are the same. */
  readonly epsilon?: number;
  readonly resamples?: number;
};

/**
 * Aggregates the scores of a run, compares them with the baseline's, and decides the gates; the same rows give the same
 * report. Yields before each piece of work of up to half a second for 10,000 cases, so that whoever drives it can let
 * others in between.
 */
export function* composeReport(source: ReportSource): Generator<void, EvaluationReport, void> {
  const { gates, measured, epsilon, resamples, ...rest } = source;
  const options = {
    seed: source.evaluation.seed,
    ...(resamples !== undefined && { resamples }),
    ...(epsilon !== undefined && { epsilon }),
  };
  const changes: ReportChange[] = [];
  const metrics: ReportMetric[] = [];
  for (const { variant, choice, rows, baseline } of measured) {
    const { metric, label, parameters } = choice;
    const higherIsBetter = metric.higherIsBetter(parameters);
    yield;
    const { notApplicable, ...figures } = summarizeScores(rows, options);
    yield;
    const compared = baseline === null ? null : comparePaired(baseline, rows, { ...options, higherIsBetter });
    yield;
    const first = measured.find((other) => other.choice.label === label);
    const isFirst = first === undefined || first.variant === variant;
    const aside = isFirst ? null : comparePaired(first.rows, rows, { ...options, higherIsBetter });
    if (compared !== null) changes.push(...changesOf(variant, label, compared));
    metrics.push({
      variant,
      metric: label,
      title: metric.title,
      kind: metric.kind,
      range: metric.range(parameters),
      higher_is_better: higherIsBetter,
      ...figures,
      not_applicable: notApplicable,
      baseline: compared === null ? null : presentComparison(compared),
      first_variant: aside === null ? null : presentComparison(aside),
    });
  }
  yield;
  const { verdict, gates: outcomes } = decideVerdict(gates, measured);
  yield;
  return { ...rest, verdict, gates: outcomes, metrics, changes, tags: summarizeTags(source.cases) };
}

function changesOf(variant: number, metric: string, { cases }: PairedComparison): ReportChange[] {
  return cases.flatMap(({ caseId, outcome, baseline, candidate }): ReportChange[] =>
    outcome === 'same' ? [] : [{ variant, metric, case_id: caseId, outcome, baseline, score: candidate }],
  );
}

function presentComparison({ cases: _cases, pValue, ...figures }: PairedComparison): ReportComparison {
  return { ...figures, p_value: pValue };
}
