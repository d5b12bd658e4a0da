import { createHash } from 'node:crypto';
import { embeddingText } from '../../domain/chunking/embedding-text.ts';
import type { UnembeddedChunk } from '../../entities/documents/chunk-embedding-repository.ts';
import type { EmbeddingModel } from '../../providers/embedding-model.ts';

/** A text that the model is to embed, and the chunks that have this text: often one, more where a document repeats itself. */
export type TextToEmbed = { text: string; hash: Buffer; indexes: number[] };

// The markers that a model adds to each text.
const markerTokens = 2;

/**
 * The texts to embed of chunks, each once, in the order of the chunks. Titles and headings are given the room that the
 * model leaves them. `counted` says that the chunks' token counts are this model's own.
 */
export function textsToEmbed(
  chunks: readonly UnembeddedChunk[],
  model: EmbeddingModel,
  { counted }: { counted: boolean },
): TextToEmbed[] {
  const texts = new Map<string, TextToEmbed>();
  // Titles and headings recur from chunk to chunk.
  const counts = new Map<string, number>();
  for (const chunk of chunks) {
    const countTokens = (text: string): number => {
      if (text === chunk.content) return counted ? chunk.tokens : model.countTokens(text);
      const known = counts.get(text) ?? model.countTokens(text);
      counts.set(text, known);
      return known;
    };
    const text = embeddingText(chunk, { tokens: model.maxTokens - markerTokens, countTokens });
    const found = texts.get(text);
    if (found) found.indexes.push(chunk.index);
    else texts.set(text, { text, hash: hashOf(text, model), indexes: [chunk.index] });
  }
  return [...texts.values()];
}

// A model's row may be pointed at another model of the provider, whose vectors are others.
function hashOf(text: string, model: EmbeddingModel): Buffer {
  return createHash('sha256').update(`${model.provider}/${model.id}\0`).update(text).digest();
}
