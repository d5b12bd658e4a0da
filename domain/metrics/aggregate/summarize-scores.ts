import { bootstrapInterval } from './bootstrap.ts';
import type { BootstrapOptions, Interval } from './bootstrap.ts';
import { caseMeans, scoredValues } from './case-scores.ts';
import type { CaseScore } from './case-scores.ts';
import { ascending, mean, quantile } from './quantile.ts';

/** One number that stands for many scores. */
export type Statistic = 'mean' | 'median' | 'p95' | 'min' | 'max';

/** The scores of one metric in one variant, in figures; null where nothing was scored. */
export type MetricSummary = {
  /** Rows by their state. */
  readonly scored: number;
  readonly unscored: number;
  readonly notApplicable: number;
  /** Cases with a score. */
  readonly cases: number;
  /** Of the cases, each with the mean of its repetitions. */
  readonly mean: number | null;
  /** Of the mean, by a bootstrap over cases; null for fewer than two cases. */
  readonly interval: Interval | null;
  readonly median: number | null;
  readonly p95: number | null;
  readonly min: number | null;
  readonly max: number | null;
};

/**
 * The statistic of the scores; null where there is none. The mean is that of the cases, so that a case whose repetitions
 * were scored more often counts no more than others; the rest are of all scores.
 */
export function measureStatistic(rows: readonly CaseScore[], statistic: Statistic): number | null {
  const values = statistic === 'mean' ? [...caseMeans(rows).values()] : scoredValues(rows);
  if (values.length === 0) return null;
  if (statistic === 'mean') return mean(values);
  const share = { min: 0, median: 0.5, p95: 0.95, max: 1 }[statistic];
  return quantile(ascending(values), share);
}

/** The figures of one metric in one variant. Rows that are unscored or not applicable count in no figure but their number. */
export function summarizeScores(rows: readonly CaseScore[], options: BootstrapOptions): MetricSummary {
  const means = [...caseMeans(rows).values()];
  const ofState = (state: CaseScore['state']) => rows.filter((row) => row.state === state).length;
  return {
    scored: ofState('scored'),
    unscored: ofState('unscored'),
    notApplicable: ofState('not_applicable'),
    cases: means.length,
    mean: measureStatistic(rows, 'mean'),
    interval: bootstrapInterval(means, options),
    median: measureStatistic(rows, 'median'),
    p95: measureStatistic(rows, 'p95'),
    min: measureStatistic(rows, 'min'),
    max: measureStatistic(rows, 'max'),
  };
}
