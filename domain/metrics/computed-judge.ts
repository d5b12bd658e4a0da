import type { Metric, MetricInput, MetricParameters, Score } from './metric.ts';

/** The `judge` of a metric that asks nobody. */
export function computedJudge(score: (input: MetricInput, parameters: MetricParameters) => Score): Metric['judge'] {
  // oxlint-disable-next-line require-yield -- what asks nobody has nothing to yield, but is driven like what does
  return function* judge(input, parameters) {
    return score(input, parameters);
  };
}
