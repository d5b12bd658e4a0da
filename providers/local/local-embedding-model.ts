import type { EmbeddingModel } from '../embedding-model.ts';
import { bertVocabulary } from './bert-vocabulary.ts';
import { EmbeddingPool } from './embedding-pool.ts';
import { EmbeddingThread } from './embedding-thread.ts';
import { minilmLimits } from './minilm-limits.ts';
import { WordPieceTokenizer } from './word-piece-tokenizer.ts';

/** Where the local model finds its weights. */
export interface LocalEmbeddingModelOptions {
  /** The folder that holds model.onnx. */
  readonly modelDirectory: string;
  /** How many texts are computed at once, on a core each; one if not given. */
  readonly threads?: number;
}

/**
 * all-MiniLM-L6-v2 on this machine's CPU, in threads of its own: 384 dimensions, 256 tokens, no key and no network.
 * The weights are loaded by the first `embed`, which fails with `model_not_found` where they are missing.
 */
export function createLocalEmbeddingModel({ modelDirectory, threads = 1 }: LocalEmbeddingModelOptions): EmbeddingModel {
  const pool = new EmbeddingPool(Array.from({ length: threads }, () => new EmbeddingThread(modelDirectory)));
  let tokenizer: WordPieceTokenizer | null = null;
  const tokenize = (text: string) => (tokenizer ??= new WordPieceTokenizer(bertVocabulary())).tokenize(text);
  return {
    provider: 'local',
    id: minilmLimits.id,
    dimensions: minilmLimits.dimensions,
    maxTokens: minilmLimits.maxTokens,
    maxBatch: 256,
    normalized: true,
    tokenCounting: 'exact',
    countTokens: (text) => tokenize(text).ids.length,
    tokenOffsets(text) {
      const { starts, ends } = tokenize(text);
      return { starts: Uint32Array.from(starts), ends: Uint32Array.from(ends) };
    },
    async embed(texts, { signal, priority = 'batch' } = {}) {
      const embedded = await pool.embed(texts, priority, signal);
      return {
        vectors: embedded.map(({ vector }) => vector),
        usage: { promptTokens: embedded.reduce((sum, { tokens }) => sum + tokens, 0) },
      };
    },
    close: () => pool.close(),
  };
}
