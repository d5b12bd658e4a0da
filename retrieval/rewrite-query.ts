import type { QueryRewriter } from '../providers/query-rewriter.ts';
import { describeFailure } from './describe-failure.ts';
import type { SearchWarning } from './search-outcome.ts';
import type { SearchRequest } from './search-request.ts';

/**
 * The query as the rewriter phrases it; null without a rewriter, or when it fails, and then `warnings` says so. Throws only
 * the signal's own reason.
 */
export async function rewriteQuery(
  rewriter: QueryRewriter | null,
  query: string,
  { history, signal }: SearchRequest,
  warnings: SearchWarning[],
): Promise<string | null> {
  if (rewriter === null) return null;
  try {
    return await rewriter.rewrite(query, { ...(history && { history }), ...(signal && { signal }) });
  } catch (error) {
    signal?.throwIfAborted();
    const detail = `The query was searched for as it is, because the model that phrases it failed: ${describeFailure(error)}`;
    warnings.push({ code: 'rewrite_failed', detail });
    return null;
  }
}
