import { PerdureError } from '../contracts/errors.ts';
import { fuseLists } from '../domain/ranking/fuse-lists.ts';
import type { Fusion } from '../domain/ranking/fuse-lists.ts';
import { leastSimilarity, similarity } from '../domain/ranking/similarity.ts';
import type { QueryTerms } from '../domain/lexical/query-terms.ts';
import { findCandidates } from '../entities/search/search-repository.ts';
import type { CandidateRow, VectorPlanRow } from '../entities/search/search-repository.ts';
import type { ListPlace } from './search-outcome.ts';
import type { SearchRequest } from './search-request.ts';
import type { SearchDependencies } from './search-dependencies.ts';
import type { StageClock } from './stage-clock.ts';

/** A candidate with its places and its final score. */
export interface Ranked {
  documentId: string;
  generation: number;
  chunkIndex: number;
  vector: ListPlace | null;
  text: ListPlace | null;
  score: number;
}

/** All candidates, best first. */
export interface RankedList {
  ranked: Ranked[];
  vector: VectorPlanRow | null;
  textFound: number;
  /** Whether a list reached its length, so that a longer one may hold more. */
  full: boolean;
}

/** What is searched with, chosen and computed. */
interface RankedQuery {
  request: SearchRequest & { strategy: 'vector' | 'text' | 'hybrid'; candidates: number; efSearch: number };
  fusion: Fusion;
  embedding: Float32Array | null;
  terms: QueryTerms;
  clock: StageClock;
}

/**
 * Brings the candidates of both lists, fuses them and sorts them; of equal score, the older document and the earlier chunk
 * go first.
 * @throws PerdureError `unknown_model`, `invalid_filter` or `bad_request` for what the database refuses.
 */
export async function findRanked(database: SearchDependencies['database'], query: RankedQuery): Promise<RankedList> {
  const { request, clock } = query;
  const metric = request.metric ?? 'cosine';
  const found = await database
    .autocommit((em) =>
      findCandidates(em, {
        workspaceId: request.workspaceId,
        userId: request.userId,
        sourceIds: request.sourceIds ?? null,
        filter: request.filter ?? null,
        modelId: request.modelId,
        embedding: query.embedding,
        terms: query.terms,
        strategy: request.strategy,
        metric,
        candidates: request.candidates,
        efSearch: Math.max(1, request.efSearch),
      }),
    )
    .catch((error: unknown) => {
      throw asPerdureError(error);
    });
  if (request.strategy !== 'text') clock.add('vector', found.vector_ms);
  if (request.strategy !== 'vector') clock.add('text', found.text_ms);
  clock.add('join', found.join_ms);
  clock.end('database');
  const ranked = found.candidates.map((row) => toRanked(row, (distance) => similarity(metric, distance)));
  const scores = scoresOf(ranked, query, leastSimilarity(metric));
  ranked.forEach((candidate, index) => {
    candidate.score = scores[index]!;
  });
  ranked.sort(
    (a, b) =>
      b.score - a.score ||
      (a.documentId < b.documentId ? -1 : a.documentId > b.documentId ? 1 : a.chunkIndex - b.chunkIndex),
  );
  clock.end('fuse');
  const textFound = found.text_found ?? 0;
  return {
    ranked,
    vector: found.vector,
    textFound,
    full: Math.max(textFound, found.vector?.found ?? 0) >= request.candidates,
  };
}

function toRanked(row: CandidateRow, similarityOf: (distance: number) => number): Ranked {
  const [documentId, generation, chunkIndex, vectorRank, distance, textRank, textScore] = row;
  return {
    documentId,
    generation,
    chunkIndex,
    vector: distance === null ? null : { rank: vectorRank, score: similarityOf(distance) },
    text: textScore === null ? null : { rank: textRank, score: textScore },
    score: 0,
  };
}

/** One list alone keeps its own scores: the similarity, or BM25. */
function scoresOf(ranked: readonly Ranked[], { request, fusion }: RankedQuery, least: number | null): number[] {
  if (request.strategy === 'vector') return ranked.map(({ vector }) => vector?.score ?? 0);
  if (request.strategy === 'text') return ranked.map(({ text }) => text?.score ?? 0);
  return fuseLists(
    ranked.map(({ vector, text }) => ({
      vectorRank: vector?.rank ?? null,
      vectorScore: vector?.score ?? null,
      textRank: text?.rank ?? null,
      textScore: text?.score ?? null,
    })),
    fusion,
    least,
  );
}

/** SQLSTATEs that the search functions raise on purpose; anything else is passed through. */
function asPerdureError(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  if (code === 'P0002') {
    return new PerdureError(
      'unknown_model',
      'The workspace has no registered embedding model with this id: register it, or search with another.',
    );
  }
  if (code !== '22023') return error;
  const { message } = error as Error;
  return new PerdureError(message.startsWith('filters') ? 'invalid_filter' : 'bad_request', message);
}
