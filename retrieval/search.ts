import { PerdureError } from '../contracts/errors.ts';
import { candidateDepth } from '../domain/ranking/candidate-depth.ts';
import { defaultFusion } from '../domain/ranking/fuse-lists.ts';
import { selectHits } from '../domain/ranking/select-hits.ts';
import type { LeftOut } from '../domain/ranking/select-hits.ts';
import { findRanked } from './find-ranked.ts';
import type { Ranked, RankedList } from './find-ranked.ts';
import { readRanked } from './read-ranked.ts';
import { rerankHits } from './rerank-hits.ts';
import { rewriteQuery } from './rewrite-query.ts';
import { sampleQuery } from './sample-query.ts';
import { analyzeQuery } from './analyze-query.ts';
import type { SearchDependencies } from './search-dependencies.ts';
import type { SearchHit, SearchOutcome, SearchWarning, TestedCandidate } from './search-outcome.ts';
import type { SearchRequest } from './search-request.ts';
import { StageClock } from './stage-clock.ts';

const defaultRerankCandidates = 20;
// A document of ever so many chunks may fill the lists; each round looks four times as deep.
const deepestCandidates = 4000;

/**
 * The one search path, used by the API, by tools and by evaluations: hits best first, always in the same order, as many
 * as match up to the limit. The query is embedded first, so no connection waits for a model. A rewriter or a reranker that
 * fails is done without, and the outcome says so.
 * @throws PerdureError `bad_request`, `invalid_filter` or `unknown_model`; ProviderError when the embedding model fails.
 */
export async function search(
  dependencies: SearchDependencies,
  request: SearchRequest,
  clock: StageClock = new StageClock(),
): Promise<SearchOutcome> {
  const query = checkRequest(request);
  const warnings: SearchWarning[] = [];
  const rewritten = await rewriteQuery(dependencies.queryRewriter ?? null, query, request, warnings);
  if (dependencies.queryRewriter) clock.end('rewrite');
  const text = rewritten ?? query;
  const strategy = request.strategy ?? 'hybrid';
  const embedding = strategy === 'text' ? null : await embedQuery(dependencies.embeddingModel, text, request.signal);
  const words = analyzeQuery(dependencies.textAnalyzer, strategy === 'vector' ? '' : text, request);
  clock.end('embed');
  if (embedding !== null) sampleQuery(dependencies.database, request, embedding);

  const depth = candidateDepth(request.limit);
  const judged = dependencies.reranker
    ? Math.max(request.limit, request.rerankCandidates ?? defaultRerankCandidates)
    : request.limit;
  const limits = { limit: judged, minScore: request.minScore ?? null, maxPerDocument: request.maxPerDocument ?? null };
  let candidates = Math.max(judged, request.candidates ?? depth.candidates);
  for (let attempt = 1; ; attempt += 1) {
    const list = await findRanked(dependencies.database, {
      request: { ...request, strategy, candidates, efSearch: request.efSearch ?? depth.efSearch },
      fusion: request.fusion ?? defaultFusion,
      embedding,
      terms: words.terms,
      clock,
    });
    const verdicts = selectHits(list.ranked, limits);
    const chosen = list.ranked.filter((_, index) => verdicts[index] === null);
    if (chosen.length < judged && list.full && limits.maxPerDocument !== null && candidates < deepestCandidates) {
      candidates = Math.min(deepestCandidates, 4 * candidates);
      continue;
    }
    const read = await readRanked(dependencies.database, chosen, request);
    clock.end('read');
    // What was replaced or deleted between the two statements is missing now; the second look finds what took its place.
    if (read.length < chosen.length && attempt === 1) continue;
    const hits = await rerankHits(dependencies.reranker ?? null, text, read, request, warnings);
    if (dependencies.reranker) clock.end('rerank');
    return {
      modelId: request.modelId,
      hits,
      plan: {
        strategy,
        candidates,
        fusion: strategy === 'hybrid' ? (request.fusion ?? defaultFusion) : null,
        vector: list.vector && {
          ...list.vector,
          model: request.modelName ?? request.modelId ?? '',
          metric: request.metric ?? 'cosine',
        },
        text: strategy === 'vector' ? null : { terms: words.shown, found: list.textFound },
        rewrittenQuery: rewritten,
        reranked: hits.some((hit) => hit.rerankScore !== null) ? read.length : null,
      },
      warnings,
      candidates: describeCandidates(list, verdicts, hits),
      timings: clock.timings,
    };
  }
}

function checkRequest(request: SearchRequest): string {
  // PostgreSQL's text holds no NUL.
  const query = request.query.replaceAll('\0', ' ').trim();
  if (query === '') throw new PerdureError('bad_request', 'The query is empty: give some words to search for.');
  const { limit } = request;
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new PerdureError('bad_request', `The limit is ${limit}: it must be a whole number from 1 to 100.`);
  }
  return query;
}

async function embedQuery(
  model: SearchDependencies['embeddingModel'],
  text: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (model === null) {
    throw new PerdureError('unknown_model', 'This search needs an embedding model: name one, or search text alone.');
  }
  const { vectors } = await model.embed([text], { priority: 'query', ...(signal && { signal }) });
  return vectors[0]!;
}

function describeCandidates(
  list: RankedList,
  verdicts: readonly (LeftOut | null)[],
  hits: readonly SearchHit[],
): TestedCandidate[] {
  const key = (each: Pick<Ranked, 'documentId' | 'chunkIndex'>) => `${each.documentId}/${each.chunkIndex}`;
  const places = new Map(hits.map((hit, index) => [key(hit), index + 1]));
  return list.ranked.map((candidate, index) => {
    const hit = places.get(key(candidate)) ?? null;
    const { documentId, generation, chunkIndex, vector, text, score } = candidate;
    const leftOut = hit === null ? (verdicts[index] ?? 'limit') : null;
    return { documentId, generation, chunkIndex, vector, text, score, hit, leftOut };
  });
}
