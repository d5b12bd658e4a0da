import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** What `hybrid_search` is asked for. Identifiers are those of rows; `candidates` counts chunks. */
export interface SearchQuery {
  workspaceId: string;
  /** Whose documents are seen besides the global ones; null sees the global ones only. */
  userId: string | null;
  /** Sources to search in; null for all. */
  sourceIds: readonly string[] | null;
  /** Compiled by `compile_search_filter`; null lets every document through. */
  filter: Record<string, unknown> | null;
  /** Null, like `embedding`, only with the strategy `text`. */
  modelId: string | null;
  embedding: Float32Array | null;
  /** The query's terms (domain/lexical/query-terms.ts). */
  terms: { keys: readonly number[]; weights: readonly number[] };
  strategy: 'vector' | 'text' | 'hybrid';
  metric: 'cosine' | 'l2' | 'inner_product';
  /** Length of each of the two lists. */
  candidates: number;
  /** How many neighbours HNSW keeps while it searches: more finds more and costs more. */
  efSearch: number;
}

/** Document, generation, chunk; place and distance among the vectors; place and score among the words. */
export type CandidateRow = [
  documentId: string,
  generation: number,
  chunkIndex: number,
  vectorRank: number | null,
  distance: number | null,
  textRank: number | null,
  textScore: number | null,
];

/** How the vectors were searched, and why so. */
export interface VectorPlanRow {
  plan: 'index' | 'exact';
  index: string | null;
  reason: string;
  /** Estimate, counted no further than needed; null where nothing depended on it. */
  eligible_chunks: number | null;
  total_chunks: number;
  ef_search: number | null;
  /** Lists of an IVFFlat index that were looked through at first. */
  probes: number | null;
  /** Segments of the index that were walked, and chunks in none of them that were compared one by one; null without any. */
  segments: number | null;
  young_chunks: number | null;
  found: number;
}

/** Both lists joined, in no order, and how long each part took in milliseconds. */
export interface CandidatesRow {
  candidates: CandidateRow[];
  vector: VectorPlanRow | null;
  text_found: number | null;
  vector_ms: number;
  text_ms: number;
  join_ms: number;
}

/**
 * Finds the best chunks by vector and by words among the active generations of documents that are not deleted and that the
 * user may see: global ones and the user's own.
 * @throws an error whose `code` is P0002 (no such embedding model), 22023 (a wrong argument) or 42501 (foreign workspace).
 */
export async function findCandidates(em: EntityManager, search: SearchQuery): Promise<CandidatesRow> {
  const [row] = await query<{ found: CandidatesRow }>(
    em,
    `select hybrid_search($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) as found`,
    [
      search.workspaceId,
      search.userId,
      search.sourceIds,
      search.filter === null ? null : JSON.stringify(search.filter),
      search.modelId,
      search.embedding === null ? null : `[${search.embedding.join(',')}]`,
      search.terms.keys,
      search.terms.weights,
      search.strategy,
      search.metric,
      search.candidates,
      search.efSearch,
    ],
  );
  const { vector, ...found } = row!.found;
  return { ...found, vector: vector && { ...noSegments, ...vector } };
}

// The database says so only of an index that has some.
const noSegments = { segments: null, young_chunks: null };

/** Which chunk, of which version of which document. */
export interface ChunkKey {
  documentId: string;
  generation: number;
  chunkIndex: number;
}

/** A chunk with its document; `around` has it and its neighbours in their order, null when none were asked for. */
export interface HitRow {
  /** Place in the list of keys, from 1. */
  place: number;
  title: string;
  source_url: string | null;
  source_path: string | null;
  document_metadata: Record<string, unknown>;
  content: string;
  start_char: number;
  end_char: number;
  metadata: Record<string, unknown>;
  around:
    | { chunk_index: number; start: number; end: number; content: string; metadata: Record<string, unknown> }[]
    | null;
}

/** The chunks of these keys that are still served to the user, in the order given, with their neighbours. */
export async function readHits(
  em: EntityManager,
  read: { workspaceId: string; userId: string | null; keys: readonly ChunkKey[]; neighbours: number },
): Promise<HitRow[]> {
  return query<HitRow>(em, 'select * from read_search_hits($1, $2, $3, $4, $5, $6)', [
    read.workspaceId,
    read.userId,
    read.keys.map((key) => key.documentId),
    read.keys.map((key) => key.generation),
    read.keys.map((key) => key.chunkIndex),
    read.neighbours,
  ]);
}
