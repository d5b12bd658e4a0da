/** A question and its answer earlier in the conversation. */
export interface PastExchange {
  readonly question: string;
  /** Null when none was given. */
  readonly answer: string | null;
}

/** The port to whatever phrases a query anew before it is searched for. None is used unless a RAG tool names one. */
export interface QueryRewriter {
  /**
   * The query as one that stands for itself, with what earlier exchanges (oldest first) supply. Makes one attempt; throws
   * ProviderError when the provider fails or answers nothing usable, and `signal.reason` itself when the signal aborts.
   */
  rewrite(query: string, options?: { history?: readonly PastExchange[]; signal?: AbortSignal }): Promise<string>;
}
