import { depthOf, depthSchema, rankMetric } from './rank-metric.ts';

/**
 * Discounted cumulative gain of the first k places against that of the ideal list of everything relevant. The discount is
 * log2(rank + 1); the gain is the grade, or with `exponential` 2^grade - 1.
 */
export const ndcg = rankMetric(
  {
    name: 'ndcg@k',
    title: 'nDCG',
    parameters: {
      k: depthSchema,
      gain: {
        type: 'string',
        enum: ['linear', 'exponential'],
        default: 'linear',
        description: 'linear: the grade, as trec_eval. exponential: 2^grade - 1 (Burges et al. 2005).',
      },
    },
    source:
      'Järvelin and Kekäläinen, "Cumulated Gain-Based Evaluation", 2002; trec_eval `ndcg_cut.k`; ir_measures nDCG@k',
  },
  ({ gains, relevant }, parameters) => {
    const depth = depthOf(parameters);
    const gain = (grade: number) => (parameters['gain'] === 'exponential' ? 2 ** grade - 1 : grade);
    const discounted = (grades: readonly number[]) =>
      grades.slice(0, depth).reduce((sum, grade, index) => sum + gain(grade) / Math.log2(index + 2), 0);
    return discounted(gains) / discounted([...relevant].sort((a, b) => b - a));
  },
);
