import { countFound } from './ranked-gains.ts';
import { depthOf, depthSchema, rankMetric } from './rank-metric.ts';

/** The share of what is relevant that stands in the first k places. */
export const recall = rankMetric(
  {
    name: 'recall@k',
    title: 'Recall',
    parameters: { k: depthSchema },
    source: 'trec_eval `recall.k`; ir_measures R@k',
  },
  (ranking, parameters) => countFound(ranking, depthOf(parameters)) / ranking.relevant.length,
);
