import type { ProviderErrorCode } from '../provider-error.ts';

/** What the embedding thread is told; `call` is a number unique in the process. */
export type EmbeddingCommand =
  | {
      readonly type: 'embed';
      readonly call: number;
      readonly texts: readonly string[];
      readonly priority: 'query' | 'batch';
    }
  | { readonly type: 'cancel'; readonly call: number }
  | { readonly type: 'close' };

/** What the embedding thread answers; `vectors` holds all vectors of the call one after another. */
export type EmbeddingReply =
  | { readonly type: 'embedded'; readonly call: number; readonly vectors: Float32Array; readonly tokens: number }
  | {
      readonly type: 'failed';
      readonly call: number;
      readonly code: ProviderErrorCode;
      readonly message: string;
      readonly retryable: boolean;
    };

/** What the embedding thread is started with. */
export interface EmbeddingThreadData {
  readonly modelDirectory: string;
  /** Of the NativeSection in which the thread computes. */
  readonly sectionBuffer: SharedArrayBuffer;
}
