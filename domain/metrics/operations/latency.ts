import { computedJudge } from '../computed-judge.ts';
import type { Metric } from '../metric.ts';

/** Milliseconds from the request to the whole answer. */
export const latency: Metric = {
  name: 'latency_ms',
  title: 'Latency (ms)',
  kind: 'operations',
  range: () => [0, null],
  higherIsBetter: () => false,
  needs: ['latencyMs'],
  parameters: {},
  required: [],
  source: 'The clock of the worker that asked the target',
  judge: computedJudge(({ latencyMs }) => ({ state: 'scored', score: latencyMs! })),
};
