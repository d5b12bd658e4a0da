import { countFound } from './ranked-gains.ts';
import { rankMetric } from './rank-metric.ts';

/** The share of what was retrieved, however much, that is among what the case names; 0 when nothing was retrieved. */
export const idContextPrecision = rankMetric(
  {
    name: 'id_context_precision',
    title: 'Context precision by labels',
    parameters: {},
    source: 'ragas 0.4, IDBasedContextPrecision',
  },
  (ranking) => (ranking.gains.length === 0 ? 0 : countFound(ranking) / ranking.gains.length),
);

/** The share of what the case names that was retrieved, at any place. */
export const idContextRecall = rankMetric(
  {
    name: 'id_context_recall',
    title: 'Context recall by labels',
    parameters: {},
    source: 'ragas 0.4, IDBasedContextRecall',
  },
  (ranking) => countFound(ranking) / ranking.relevant.length,
);
