import type { Reranker } from '../providers/reranker.ts';
import { describeFailure } from './describe-failure.ts';
import type { SearchHit, SearchWarning } from './search-outcome.ts';
import type { SearchRequest } from './search-request.ts';

/**
 * The best `limit` of the hits by the reranker's scores, those of equal score as they were; without a reranker, or when it
 * fails, the first ones, and then `warnings` says so. Throws only the signal's own reason.
 */
export async function rerankHits(
  reranker: Reranker | null,
  query: string,
  hits: readonly SearchHit[],
  request: SearchRequest,
  warnings: SearchWarning[],
): Promise<SearchHit[]> {
  const { limit, signal } = request;
  if (reranker === null || hits.length === 0) return hits.slice(0, limit);
  const passages = hits.map((hit) => ({ title: hit.title, text: hit.context?.content ?? hit.content }));
  try {
    const scores = await reranker.rerank(query, passages, signal === undefined ? {} : { signal });
    return hits
      .map((hit, index) => ({ ...hit, rerankScore: scores[index] ?? 0 }))
      .sort((a, b) => b.rerankScore - a.rerankScore)
      .slice(0, limit);
  } catch (error) {
    signal?.throwIfAborted();
    const detail = `The hits keep the order of the search, because the model that reranks failed: ${describeFailure(error)}`;
    warnings.push({ code: 'rerank_failed', detail });
    return hits.slice(0, limit);
  }
}
