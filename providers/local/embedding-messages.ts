import type { ProviderErrorCode } from '../provider-error.ts';

/** A query is computed before all texts of batches that wait. */
export type EmbeddingPriority = 'query' | 'batch';

/** What an embedding thread is told; `call` is a number unique in the thread. */
export type EmbeddingCommand =
  | { readonly type: 'embed'; readonly call: number; readonly text: string; readonly priority: EmbeddingPriority }
  | { readonly type: 'close' };

/** What an embedding thread answers: the text's vector and the tokens read for it, or why there is none. */
export type EmbeddingReply =
  | { readonly type: 'embedded'; readonly call: number; readonly vector: Float32Array; readonly tokens: number }
  | {
      readonly type: 'failed';
      readonly call: number;
      readonly code: ProviderErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    };

/** What an embedding thread is started with. */
export interface EmbeddingThreadData {
  readonly modelDirectory: string;
  /** Of the NativeSection in which the thread computes. */
  readonly sectionBuffer: SharedArrayBuffer;
}
