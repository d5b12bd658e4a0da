import { countFound } from './ranked-gains.ts';
import { depthOf, depthSchema, rankMetric } from './rank-metric.ts';

/** The share of the first k places that hold something relevant; a place that a short list leaves empty counts as wrong. */
export const precision = rankMetric(
  {
    name: 'precision@k',
    title: 'Precision',
    parameters: { k: depthSchema },
    source: 'trec_eval `P.k`; ir_measures P@k',
  },
  (ranking, parameters) => countFound(ranking, depthOf(parameters)) / depthOf(parameters),
);
