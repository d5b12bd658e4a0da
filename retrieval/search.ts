import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../contracts/errors.ts';
import { candidateDepth } from '../domain/ranking/candidate-depth.ts';
import { similarity } from '../domain/ranking/similarity.ts';
import { findChunks } from '../entities/search/search-repository.ts';
import type { SearchQuery, SearchRow } from '../entities/search/search-repository.ts';
import type { EmbeddingModel } from '../providers/embedding-model.ts';

/** What a search works with. `embeddingModel` is the one of the request's `modelId`; full text alone needs none. */
export interface SearchDependencies {
  /** Runs a statement outside of a transaction: `hybrid_search` takes the workspace itself. */
  database: { autocommit<T>(work: (em: EntityManager) => Promise<T>): Promise<T> };
  embeddingModel: Pick<EmbeddingModel, 'embed'> | null;
}

/** One question to the documents of a workspace. */
export interface SearchRequest {
  workspaceId: string;
  /** The row of `users`, whose documents are seen besides the global ones; null sees the global ones only. */
  userId: string | null;
  /** The row of `models` whose embeddings are searched. */
  modelId: string | null;
  query: string;
  /** The most hits, 1 to 100. */
  limit: number;
  knowledgeSourceId?: string | null;
  /** Both lists fused (the default), or one alone. */
  strategy?: SearchQuery['strategy'];
  /** How vectors are compared: cosine (the default) has an index, l2 is exact unless the operator has made one. */
  metric?: SearchQuery['metric'];
  /** Length of each list before fusion, and HNSW's breadth; chosen by the limit when not given. */
  candidates?: number;
  efSearch?: number;
  signal?: AbortSignal;
}

/** One chunk that answers. `content` is `start`–`end` of its document's text in UTF-16 units. */
export interface SearchHit {
  documentId: string;
  generation: number;
  chunkIndex: number;
  title: string;
  sourceUrl: string | null;
  sourcePath: string | null;
  content: string;
  startChar: number;
  endChar: number;
  metadata: Record<string, unknown>;
  /** Reciprocal rank fusion with k = 60; the order of the hits. */
  score: number;
  /** Place in the list of nearest vectors, from 1, and the similarity there; null when the chunk is not in that list. */
  denseRank: number | null;
  denseScore: number | null;
  /** Place in the list of full text, from 1, and the score there; null when the chunk is not in that list. */
  textRank: number | null;
  textScore: number | null;
}

/**
 * The one search path, used by the API, by tools and by evaluations: hits best first, always in the same order, as many
 * as match up to the limit. The query is embedded first, so no connection waits for a model.
 * @throws PerdureError `bad_request` or `unknown_model`; ProviderError when the embedding model fails.
 */
export async function search(
  { database, embeddingModel }: SearchDependencies,
  request: SearchRequest,
): Promise<SearchHit[]> {
  const { workspaceId, limit, strategy = 'hybrid', metric = 'cosine' } = request;
  // PostgreSQL's text holds no NUL.
  const text = request.query.replaceAll('\0', ' ').trim();
  if (text === '') throw new PerdureError('bad_request', 'The query is empty: give some words to search for.');
  if (!Number.isInteger(limit) || limit < 1 || limit > 100) {
    throw new PerdureError('bad_request', `The limit is ${limit}: it must be a whole number from 1 to 100.`);
  }
  const depth = candidateDepth(limit);
  const embedding = strategy === 'full_text' ? null : await embedQuery(embeddingModel, text, request.signal);
  try {
    const rows = await database.autocommit((em) =>
      findChunks(em, {
        workspaceId,
        userId: request.userId,
        knowledgeSourceId: request.knowledgeSourceId ?? null,
        modelId: request.modelId,
        embedding,
        text,
        strategy,
        metric,
        limit,
        candidates: Math.max(limit, request.candidates ?? depth.candidates),
        efSearch: request.efSearch ?? depth.efSearch,
      }),
    );
    return rows.map((row) => toHit(row, metric));
  } catch (error) {
    throw asPerdureError(error);
  }
}

async function embedQuery(
  model: SearchDependencies['embeddingModel'],
  text: string,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  if (model === null) {
    throw new PerdureError(
      'unknown_model',
      'This search needs an embedding model: name one, or search full text only.',
    );
  }
  const { vectors } = await model.embed([text], { priority: 'query', ...(signal && { signal }) });
  return vectors[0]!;
}

function toHit(row: SearchRow, metric: SearchQuery['metric']): SearchHit {
  return {
    documentId: row.document_id,
    generation: row.generation,
    chunkIndex: row.chunk_index,
    title: row.title,
    sourceUrl: row.source_url,
    sourcePath: row.source_path,
    content: row.content,
    startChar: row.start_char,
    endChar: row.end_char,
    metadata: row.metadata,
    score: row.score,
    denseRank: row.dense_rank,
    denseScore: row.dense_distance === null ? null : similarity(metric, row.dense_distance),
    textRank: row.text_rank,
    textScore: row.text_score,
  };
}

/** SQLSTATEs that `hybrid_search` raises on purpose; anything else is passed through. */
function asPerdureError(error: unknown): unknown {
  const { code } = error as { code?: unknown };
  if (code === 'P0002') {
    return new PerdureError(
      'unknown_model',
      'The workspace has no registered embedding model with this id: register it, or search with another.',
    );
  }
  if (code === '22023') return new PerdureError('bad_request', (error as Error).message);
  return error;
}
