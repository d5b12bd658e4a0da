import { depthOf, depthSchema, rankMetric } from './rank-metric.ts';

/** 1 / rank of the first relevant place, 0 without one; its mean over cases is the mean reciprocal rank. */
export const reciprocalRank = rankMetric(
  {
    name: 'mrr',
    title: 'Reciprocal rank',
    parameters: { k: depthSchema },
    source: 'Voorhees, "The TREC-8 Question Answering Track Report", 1999; trec_eval `recip_rank`; ir_measures RR',
  },
  ({ gains }, parameters) => {
    const place = gains.slice(0, depthOf(parameters)).findIndex((gain) => gain > 0);
    return place < 0 ? 0 : 1 / (place + 1);
  },
);
