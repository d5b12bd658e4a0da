import type { Fusion } from '../domain/ranking/fuse-lists.ts';
import type { VectorMetric } from '../domain/ranking/similarity.ts';
import type { PastExchange } from '../providers/query-rewriter.ts';

/** One question to the documents of a workspace; what is left out is chosen by the search. */
export interface SearchRequest {
  workspaceId: string;
  /** The row of `users`, whose documents are seen besides the global ones; null sees the global ones only. */
  userId: string | null;
  /** The row of `models` whose embeddings are searched, and its name for the plan; null searches text alone. */
  modelId: string | null;
  modelName?: string;
  query: string;
  /** Languages of the documents, by each of which the query's words are analysed; English when left out or empty. */
  languages?: readonly string[];
  /** What was said before, for a rewriter. */
  history?: readonly PastExchange[];
  /** The most hits, 1 to 100. */
  limit: number;
  /** Sources to search in; null or left out for all. */
  sourceIds?: readonly string[] | null;
  /** Checked by `findFilterMistakes`. */
  filter?: Record<string, unknown> | null;
  strategy?: 'vector' | 'text' | 'hybrid';
  fusion?: Fusion;
  metric?: VectorMetric;
  /** Length of each list before fusion, and HNSW's breadth; chosen by the limit when not given. */
  candidates?: number;
  efSearch?: number;
  minScore?: number | null;
  /** Chunks before and after each hit that are read with it. */
  neighbours?: number;
  maxPerDocument?: number | null;
  /** How many candidates the reranker judges, at least the limit. */
  rerankCandidates?: number;
  signal?: AbortSignal;
}
