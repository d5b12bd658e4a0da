import type { EntityManager } from '@mikro-orm/postgresql';
import type { EmbeddingModel } from '../providers/embedding-model.ts';
import type { QueryRewriter } from '../providers/query-rewriter.ts';
import type { Reranker } from '../providers/reranker.ts';
import type { TextAnalyzer } from '../providers/text-analyzer.ts';

/** What a search works with. `embeddingModel` is the one of the request's `modelId`; text alone needs none. */
export interface SearchDependencies {
  /** Runs a statement outside of a transaction: the search functions take the workspace themselves. */
  database: { autocommit<T>(work: (em: EntityManager) => Promise<T>): Promise<T> };
  embeddingModel: Pick<EmbeddingModel, 'embed'> | null;
  textAnalyzer: Pick<TextAnalyzer, 'analyze'>;
  reranker?: Reranker | null;
  queryRewriter?: QueryRewriter | null;
}
