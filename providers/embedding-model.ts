/** Where each token of a text lies: token i covers `text.slice(starts[i], ends[i])`, in UTF-16 code units. */
export interface TokenOffsets {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Vectors in the order of the texts, and the tokens the provider counted (null = unknown, never zero). */
export interface EmbeddingResult {
  readonly vectors: readonly Float32Array[];
  readonly usage: { readonly promptTokens: number | null };
}

/** Options of one embedding call. */
export interface EmbedOptions {
  /** Stops the call and its HTTP request at once. */
  readonly signal?: AbortSignal;
  /** `query` goes before waiting `batch` texts where one process serves both; the default is `batch`. */
  readonly priority?: 'query' | 'batch';
  /** Names this call for ever: sent as `Idempotency-Key`. */
  readonly callId?: string;
}

/**
 * The port to an embedding model. A text has the same vector alone and in any batch. `embed` makes exactly one attempt,
 * throws ProviderError when the model fails, and `signal.reason` itself when the signal aborts.
 */
export interface EmbeddingModel {
  /** The provider's name as OpenTelemetry's `gen_ai.provider.name` spells it. */
  readonly provider: string;
  /** The provider's own id of the model. */
  readonly id: string;
  /** The length of every vector. */
  readonly dimensions: number;
  /** Tokens of one text that the model reads, markers included; what lies beyond is cut off or refused. */
  readonly maxTokens: number;
  /** The most texts of one `embed` call. */
  readonly maxBatch: number;
  /** Whether vectors have length 1, so that inner product equals cosine. */
  readonly normalized: boolean;
  /** `exact`: the model's own tokenizer; `estimate`: never fewer tokens than the model's for common prose. */
  readonly tokenCounting: 'exact' | 'estimate';
  /** Tokens of the text alone, without the markers that the model adds (at most two). */
  countTokens(text: string): number;
  /**
   * Offsets of the tokens of the text, without markers, ascending and not overlapping. Runs on the calling thread at
   * a few MB/s: split long texts at white space, which changes no token.
   */
  tokenOffsets(text: string): TokenOffsets;
  embed(texts: readonly string[], options?: EmbedOptions): Promise<EmbeddingResult>;
  /** Frees threads and memory; the model cannot be used afterwards. */
  close(): Promise<void>;
}
