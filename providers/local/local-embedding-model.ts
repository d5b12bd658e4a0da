import type { EmbeddingModel } from '../embedding-model.ts';
import { bertVocabulary } from './bert-vocabulary.ts';
import { EmbeddingThread } from './embedding-thread.ts';
import { minilmLimits } from './minilm-limits.ts';
import { WordPieceTokenizer } from './word-piece-tokenizer.ts';

/** Where the local model finds its weights. */
export interface LocalEmbeddingModelOptions {
  /** The folder that holds model.onnx. */
  readonly modelDirectory: string;
}

/**
 * all-MiniLM-L6-v2 on this machine's CPU, in a thread of its own: 384 dimensions, 256 tokens, no key and no network.
 * The weights are loaded by the first `embed`, which fails with `model_not_found` where they are missing.
 */
export function createLocalEmbeddingModel(options: LocalEmbeddingModelOptions): EmbeddingModel {
  const thread = new EmbeddingThread(options.modelDirectory);
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
      const { vectors, tokens } = await thread.embed(texts, priority, signal);
      const { dimensions } = minilmLimits;
      return {
        // A copy each: one kept vector would otherwise keep its whole batch in memory.
        vectors: texts.map(
          (_, index) => new Float32Array(vectors.subarray(index * dimensions, (index + 1) * dimensions)),
        ),
        usage: { promptTokens: tokens },
      };
    },
    close: () => thread.close(),
  };
}
