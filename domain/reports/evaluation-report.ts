import type { Interval } from '../metrics/aggregate/bootstrap.ts';
import type { GateOutcome, Verdict } from '../metrics/gates/gate.ts';
import type { MetricKind, Score, ScoreRange } from '../metrics/metric.ts';

/** One metric on one case. `score` is null unless `state` is scored. */
export type ReportScore = {
  readonly metric: string;
  readonly state: Score['state'];
  readonly score: number | null;
  readonly reason: string | null;
};

/** One case in one variant and repetition, with what the target made of it. */
export type ReportCase = {
  readonly case_id: string;
  /** Its place in the data set, from 1. */
  readonly position: number;
  readonly variant: number;
  readonly repetition: number;
  readonly state: 'pending' | 'running' | 'done' | 'failed' | 'cancelled';
  readonly question: string;
  readonly expected_answer: string | null;
  readonly answer: string | null;
  /** Why it failed. */
  readonly error: string | null;
  readonly latency_ms: number | null;
  readonly tokens: number | null;
  readonly cost: number | null;
  readonly tags: readonly string[];
  readonly scores: readonly ReportScore[];
};

/** A metric of a variant against other scores of the same cases; differences are this variant's minus those. */
export type ReportComparison = {
  readonly paired: number;
  readonly unpaired: number;
  readonly better: number;
  readonly worse: number;
  readonly same: number;
  readonly difference: number | null;
  readonly interval: Interval | null;
  readonly p_value: number | null;
  readonly test: 'mcnemar' | 'paired_bootstrap' | null;
};

/** The figures of one metric in one variant. */
export type ReportMetric = {
  readonly variant: number;
  readonly metric: string;
  readonly title: string;
  readonly kind: MetricKind;
  readonly range: ScoreRange;
  readonly higher_is_better: boolean;
  readonly scored: number;
  readonly unscored: number;
  readonly not_applicable: number;
  readonly cases: number;
  readonly mean: number | null;
  readonly interval: Interval | null;
  readonly median: number | null;
  readonly p95: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Against the baseline run; null without one. */
  readonly baseline: ReportComparison | null;
  /** Against the first variant of this run; null for that one. */
  readonly first_variant: ReportComparison | null;
};

/** A case that fares otherwise than in the baseline run. */
export type ReportChange = {
  readonly variant: number;
  readonly metric: string;
  readonly case_id: string;
  readonly outcome: 'better' | 'worse';
  readonly baseline: number;
  readonly score: number;
};

/** The mean of a metric over the cases that have a tag; null where none of them was scored. */
export type ReportTag = {
  readonly tag: string;
  readonly variant: number;
  readonly metric: string;
  /** Cases with a score. */
  readonly cases: number;
  readonly unscored: number;
  readonly mean: number | null;
};

/** What a report says about the run as a whole; times are ISO 8601 in UTC. */
export type ReportedRun = {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly started_at: string | null;
  readonly completed_at: string | null;
  readonly git_revision: string | null;
  readonly seed: number;
  readonly repetitions: number;
};

/** Everything that a run came to: the JSON report itself, and what the other formats are made from. */
export type EvaluationReport = {
  readonly evaluation: ReportedRun;
  readonly verdict: Verdict;
  readonly dataset: {
    readonly id: string | null;
    readonly name: string | null;
    readonly version: number | null;
    readonly hash: string;
    readonly cases: number;
  };
  /** What was measured, with its versions. */
  readonly target: Readonly<Record<string, unknown>>;
  readonly baseline: { readonly id: string; readonly name: string } | null;
  readonly variants: readonly {
    readonly index: number;
    readonly name: string;
    readonly configuration: Readonly<Record<string, unknown>>;
  }[];
  readonly gates: readonly GateOutcome[];
  readonly metrics: readonly ReportMetric[];
  readonly changes: readonly ReportChange[];
  /** By the tags of the cases. */
  readonly tags: readonly ReportTag[];
  readonly cases: readonly ReportCase[];
};
