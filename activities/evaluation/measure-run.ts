import { comparePaired, type PairedComparison } from '../../domain/metrics/aggregate/compare-paired.ts';
import { defaultBootstrap } from '../../domain/metrics/aggregate/bootstrap.ts';
import type { CaseScore } from '../../domain/metrics/aggregate/case-scores.ts';
import { summarizeScores, type MetricSummary } from '../../domain/metrics/aggregate/summarize-scores.ts';
import { decideVerdict, type MeasuredMetric } from '../../domain/metrics/gates/decide-verdict.ts';
import type { Gate, GateOutcome, Verdict } from '../../domain/metrics/gates/gate.ts';
import { readRunPlan, type EvaluationKey, type RunPlan } from '../../entities/evaluations/evaluation-repository.ts';
import {
  readScores,
  readVariantTotals,
  type VariantTotals,
} from '../../entities/evaluations/evaluation-score-repository.ts';
import type { Database } from '../../platform/database.ts';
import { runMetrics, type RunMetric } from './open-run.ts';

/** One metric in one variant. */
export type MetricMeasure = {
  variant: number;
  metric: string;
  higherIsBetter: boolean;
  summary: MetricSummary;
  comparison: PairedComparison | null;
  rows: CaseScore[];
};

/** What a run came to. */
export type RunMeasure = {
  plan: RunPlan;
  verdict: Verdict;
  gates: GateOutcome[];
  measures: MetricMeasure[];
  totals: VariantTotals[];
  /** As they are stored with the run: a summary of each variant, and the aggregates by variant and metric. */
  variants: Record<string, unknown>[];
  metrics: Record<string, unknown>;
};

/**
 * Aggregates the scores of a run, compares them case by case with those of a baseline (the run's own unless another is
 * given; variant with variant of the same place, else with the first) and decides the gates. Null where there is no run.
 */
export async function measureRun(
  database: Pick<Database, 'inWorkspace'>,
  key: EvaluationKey,
  baselineId: string | null,
): Promise<RunMeasure | null> {
  const read = await database.inWorkspace(key.workspaceId, async (em) => {
    const plan = await readRunPlan(em, key);
    if (plan === null) return null;
    const metrics = runMetrics(plan.target, plan.configuration);
    const labels = metrics.map(({ label }) => label);
    const against = baselineId ?? plan.baselineId;
    return {
      plan,
      metrics,
      columns: await readScores(em, key, labels),
      totals: await readVariantTotals(em, key),
      baseline: against === null ? [] : await readScores(em, { ...key, evaluationId: against }, labels),
    };
  });
  if (read === null) return null;
  const { plan, metrics, columns, totals, baseline } = read;
  const { seed } = plan.configuration;
  const byLabel = new Map(metrics.map((metric) => [metric.label, metric]));
  const options = { ...defaultBootstrap, seed };
  const measured = columns.map((column) => {
    const choice = byLabel.get(column.metric) as RunMetric;
    const other =
      baseline.find(({ metric, variant }) => metric === column.metric && variant === column.variant) ??
      baseline.find(({ metric }) => metric === column.metric);
    const rows = rowsOf(column);
    const compared = other === undefined ? null : rowsOf(other);
    const known = compared?.some(({ state }) => state === 'scored') ? compared : null;
    return { variant: column.variant, choice, rows, baseline: known } satisfies MeasuredMetric;
  });
  const measures = measured.map(({ variant, choice, rows, baseline: compared }): MetricMeasure => {
    const higherIsBetter = choice.metric.higherIsBetter(choice.parameters);
    return {
      variant,
      metric: choice.label,
      higherIsBetter,
      summary: summarizeScores(rows, options),
      comparison: compared === null ? null : comparePaired(compared, rows, { ...options, higherIsBetter }),
      rows,
    };
  });
  const gates = plan.configuration.gates as unknown as Gate[];
  const { verdict, gates: outcomes } = decideVerdict(gates, measured);
  return {
    plan,
    verdict,
    gates: [...outcomes],
    measures,
    totals,
    variants: totals.map((total) => ({ name: plan.target.variants[total.variant]?.name ?? '', ...total })),
    metrics: Object.fromEntries(
      plan.target.variants.map(({ name }, variant) => [
        name,
        Object.fromEntries(
          measures
            .filter((measure) => measure.variant === variant)
            .map(({ metric, summary, comparison }) => [metric, { ...summary, comparison: withoutCases(comparison) }]),
        ),
      ]),
    ),
  };
}

/** A comparison as it is kept with the run; case by case it is in the report. */
function withoutCases(comparison: PairedComparison | null): Record<string, unknown> | null {
  if (comparison === null) return null;
  const { cases: _cases, ...rest } = comparison;
  return rest;
}

function rowsOf({ cases, repetitions, states, scores }: Awaited<ReturnType<typeof readScores>>[number]): CaseScore[] {
  return cases.map((caseId, index) => ({
    caseId,
    repetition: repetitions[index]!,
    state: states[index] as CaseScore['state'],
    score: scores[index] ?? null,
  }));
}
