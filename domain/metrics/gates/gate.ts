import type { Statistic } from '../aggregate/summarize-scores.ts';

/** A condition that a run has to meet. */
export type Gate = {
  /** The label of the metric. */
  readonly metric: string;
  /** The mean unless it says otherwise. */
  readonly statistic?: Statistic;
  /** Of all variants unless it says which. */
  readonly variant?: number;
  readonly min?: number;
  readonly max?: number;
  /** How much worse the mean may be than the baseline's, over the cases that both have. */
  readonly no_regression_beyond?: number;
  /** The share of rows without a score (0 to 1) up to which the scores decide; 0 unless it says otherwise. */
  readonly max_unscored_share?: number;
};

/** What a run comes to. */
export type Verdict = 'passed' | 'failed' | 'incomplete';

/** What one gate came to in one variant. */
export type GateOutcome = {
  /** The gate in words, such as `mean(faithfulness) >= 0.8`. */
  readonly gate: string;
  readonly metric: string;
  readonly variant: number | null;
  readonly state: Verdict;
  /** What was measured; null where nothing was. */
  readonly value: number | null;
  readonly reason: string;
};

/** A gate in words. */
export function describeGate(gate: Gate): string {
  const measured = `${gate.statistic ?? 'mean'}(${gate.metric})`;
  const parts = [
    ...(gate.min === undefined ? [] : [`${measured} >= ${gate.min}`]),
    ...(gate.max === undefined ? [] : [`${measured} <= ${gate.max}`]),
    ...(gate.no_regression_beyond === undefined
      ? []
      : [`${gate.metric} no worse than the baseline by more than ${gate.no_regression_beyond}`]),
  ];
  return parts.join(' and ');
}
