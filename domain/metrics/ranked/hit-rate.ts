import { countFound } from './ranked-gains.ts';
import { depthOf, depthSchema, rankMetric } from './rank-metric.ts';

/** 1 when something relevant stands in the first k places, else 0; its mean over cases is the hit rate. */
export const hitRate = rankMetric(
  {
    name: 'hit_rate@k',
    title: 'Hit rate',
    parameters: { k: depthSchema },
    source: 'trec_eval `success.k`; ir_measures Success@k',
  },
  (ranking, parameters) => (countFound(ranking, depthOf(parameters)) > 0 ? 1 : 0),
);
