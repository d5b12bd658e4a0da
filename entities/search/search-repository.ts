import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** What `hybrid_search` is asked for. Identifiers are those of rows; `limit` and `candidates` count chunks. */
export interface SearchQuery {
  workspaceId: string;
  /** Whose documents are seen besides the global ones; null sees the global ones only. */
  userId: string | null;
  knowledgeSourceId: string | null;
  /** Null, like `embedding`, only with the strategy `full_text`. */
  modelId: string | null;
  embedding: Float32Array | null;
  text: string;
  strategy: 'hybrid' | 'dense' | 'full_text';
  metric: 'cosine' | 'l2';
  limit: number;
  /** Length of each of the two lists before they are fused. */
  candidates: number;
  /** How many neighbours HNSW keeps while it searches: more finds more and costs more. */
  efSearch: number;
}

/** One chunk that was found, best first. Ranks count from 1; a list that does not have the chunk gives null. */
export interface SearchRow {
  document_id: string;
  generation: number;
  chunk_index: number;
  title: string;
  source_url: string | null;
  source_path: string | null;
  content: string;
  start_char: number;
  end_char: number;
  metadata: Record<string, unknown>;
  score: number;
  dense_rank: number | null;
  dense_distance: number | null;
  text_rank: number | null;
  text_score: number | null;
}

/**
 * Finds chunks of active generations of documents that are not deleted and that the user may see: global ones and the
 * user's own. Fused by reciprocal rank in SQL, so that only the winners' text leaves the database.
 * @throws an error whose `code` is P0002 (no such embedding model), 22023 (a wrong argument) or 42501 (foreign workspace).
 */
export async function findChunks(em: EntityManager, search: SearchQuery): Promise<SearchRow[]> {
  return query<SearchRow>(em, 'select * from hybrid_search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)', [
    search.workspaceId,
    search.userId,
    search.knowledgeSourceId,
    search.modelId,
    search.embedding === null ? null : `[${search.embedding.join(',')}]`,
    search.text,
    search.strategy,
    search.metric,
    search.limit,
    search.candidates,
    search.efSearch,
  ]);
}
