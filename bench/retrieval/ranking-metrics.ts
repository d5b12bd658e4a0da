import type { Metric, MetricInput } from '../../domain/metrics/metric.ts';
import { ndcg } from '../../domain/metrics/ranked/ndcg.ts';
import { recall } from '../../domain/metrics/ranked/recall.ts';
import { reciprocalRank } from '../../domain/metrics/ranked/reciprocal-rank.ts';

/** How good one ranked list is, each from 0 to 1. */
export interface RankingMetrics {
  ndcg10: number;
  recall10: number;
  recall100: number;
  mrr10: number;
}

export const rankingMetricNames = ['ndcg10', 'recall10', 'recall100', 'mrr10'] as const;

/**
 * The measures of TREC for one query with binary relevance, as evaluations have them: nDCG@10, recall@10 and @100, and the
 * reciprocal rank within 10. `relevant` is not empty.
 */
export function measureRanking(ranked: readonly string[], relevant: ReadonlySet<string>): RankingMetrics {
  const input: MetricInput = {
    ...nothing,
    ranked,
    relevant: Array.from(relevant, (key) => ({ key, grade: 1 })),
  };
  return {
    ndcg10: scoreOf(ndcg, 10, input),
    recall10: scoreOf(recall, 10, input),
    recall100: scoreOf(recall, 100, input),
    mrr10: scoreOf(reciprocalRank, 10, input),
  };
}

const nothing: MetricInput = {
  ...{ question: '', messages: [], answer: null, expectedAnswer: null, alternativeAnswers: [], contexts: [] },
  ...{ ranked: [], relevant: [], toolCalls: [], expectedToolCalls: null, isUnanswerable: false },
  ...{ latencyMs: null, cost: null, metadata: {} },
};

function scoreOf(metric: Metric, k: number, input: MetricInput): number {
  const { value } = metric.judge(input, { k }).next();
  if (value === undefined || !('state' in value) || value.state !== 'scored')
    throw new Error(`${metric.name} gave no score.`);
  return value.score;
}

/** The mean of each measure over the queries. */
export function meanMetrics(all: readonly RankingMetrics[]): RankingMetrics {
  const mean = (name: keyof RankingMetrics) => all.reduce((sum, each) => sum + each[name], 0) / all.length;
  return { ndcg10: mean('ndcg10'), recall10: mean('recall10'), recall100: mean('recall100'), mrr10: mean('mrr10') };
}
