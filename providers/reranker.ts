/** A passage that is to be judged. */
export interface RerankPassage {
  readonly title: string;
  readonly text: string;
}

/** The port to whatever orders passages anew by how well they answer a query. None is used unless a RAG tool names one. */
export interface Reranker {
  /**
   * A score from 0 to 1 for each passage, in the order given, larger for better. Makes one attempt; throws ProviderError
   * when the provider fails or its answer cannot be read, and `signal.reason` itself when the signal aborts.
   */
  rerank(query: string, passages: readonly RerankPassage[], options?: { signal?: AbortSignal }): Promise<number[]>;
}
