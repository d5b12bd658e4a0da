/** How good one ranked list is, each from 0 to 1. */
export interface RankingMetrics {
  ndcg10: number;
  recall10: number;
  recall100: number;
  mrr10: number;
}

export const rankingMetricNames = ['ndcg10', 'recall10', 'recall100', 'mrr10'] as const;

/**
 * The measures of TREC for one query with binary relevance: nDCG@10 (Järvelin and Kekäläinen 2002, gain 1 and discount
 * log2(rank + 1), against the ideal list of all relevant ones), recall@10 and @100, and the reciprocal rank within 10.
 * `ranked` has no document twice; `relevant` is not empty.
 */
export function measureRanking(ranked: readonly string[], relevant: ReadonlySet<string>): RankingMetrics {
  const gains = ranked.slice(0, 100).map((id) => (relevant.has(id) ? 1 : 0));
  const discounted = (list: readonly number[]) =>
    list.slice(0, 10).reduce((sum, gain, index) => sum + gain / Math.log2(index + 2), 0);
  const ideal = discounted(Array.from({ length: Math.min(10, relevant.size) }, () => 1));
  const found = (depth: number) => gains.slice(0, depth).reduce<number>((sum, gain) => sum + gain, 0);
  const first = gains.slice(0, 10).indexOf(1);
  return {
    ndcg10: discounted(gains) / ideal,
    recall10: found(10) / relevant.size,
    recall100: found(100) / relevant.size,
    mrr10: first < 0 ? 0 : 1 / (first + 1),
  };
}

/** The mean of each measure over the queries. */
export function meanMetrics(all: readonly RankingMetrics[]): RankingMetrics {
  const mean = (name: keyof RankingMetrics) => all.reduce((sum, each) => sum + each[name], 0) / all.length;
  return { ndcg10: mean('ndcg10'), recall10: mean('recall10'), recall100: mean('recall100'), mrr10: mean('mrr10') };
}
