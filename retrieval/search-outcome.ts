import type { Fusion } from '../domain/ranking/fuse-lists.ts';
import type { LeftOut } from '../domain/ranking/select-hits.ts';
import type { VectorMetric } from '../domain/ranking/similarity.ts';
import type { VectorPlanRow } from '../entities/search/search-repository.ts';

/** Place in a list, from 1, and the score there; the rank is null where the score was computed for the fusion alone. */
export interface ListPlace {
  rank: number | null;
  score: number;
}

/** One chunk that answers. `content` is `startChar`–`endChar` of its document's text in UTF-16 units. */
export interface SearchHit {
  documentId: string;
  generation: number;
  chunkIndex: number;
  title: string;
  sourceUrl: string | null;
  sourcePath: string | null;
  documentMetadata: Record<string, unknown>;
  content: string;
  startChar: number;
  endChar: number;
  metadata: Record<string, unknown>;
  /** The hit with its neighbours, joined without their overlap; null when none were asked for. */
  context: {
    content: string;
    startChar: number;
    endChar: number;
    chunks: { chunkIndex: number; startChar: number; endChar: number; metadata: Record<string, unknown> }[];
  } | null;
  /** Of the fusion, or of the one list that was searched: the similarity or BM25. */
  score: number;
  vector: ListPlace | null;
  text: ListPlace | null;
  /** What the reranker gave, 0 to 1, which then decides the order; null without one. */
  rerankScore: number | null;
}

/** A candidate of either list in the order of the fusion, and what became of it. */
export interface TestedCandidate {
  documentId: string;
  generation: number;
  chunkIndex: number;
  vector: ListPlace | null;
  text: ListPlace | null;
  score: number;
  /** Place among the hits, from 1. */
  hit: number | null;
  leftOut: LeftOut | null;
}

/** How a search was run. */
export interface SearchPlan {
  strategy: 'vector' | 'text' | 'hybrid';
  candidates: number;
  fusion: Fusion | null;
  vector: (VectorPlanRow & { model: string; metric: VectorMetric }) | null;
  text: { terms: readonly string[]; found: number } | null;
  rewrittenQuery: string | null;
  reranked: number | null;
}

/** A part of the search that failed and was done without. */
export interface SearchWarning {
  code: 'rerank_failed' | 'rewrite_failed';
  detail: string;
}

/** The hits best first, and everything about how they came about. */
export interface SearchOutcome {
  /** The row of `models` whose vectors were searched; null when none were. */
  modelId: string | null;
  hits: SearchHit[];
  plan: SearchPlan;
  warnings: SearchWarning[];
  candidates: TestedCandidate[];
  /** The stages in their order with their milliseconds. */
  timings: { stage: string; ms: number }[];
}
