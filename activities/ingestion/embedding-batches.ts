import type { TextToEmbed } from './texts-to-embed.ts';

// A batch is stored in one statement and is what a crash repeats.
const mostTexts = 64;
const mostCharacters = 262_144;

/** Splits texts into batches that one call to the model takes: by number, and by their size. */
export function* embeddingBatches(texts: readonly TextToEmbed[], modelBatch: number): Generator<TextToEmbed[]> {
  const most = Math.max(1, Math.min(mostTexts, modelBatch));
  let batch: TextToEmbed[] = [];
  let characters = 0;
  for (const item of texts) {
    if (batch.length > 0 && (batch.length >= most || characters + item.text.length > mostCharacters)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(item);
    characters += item.text.length;
  }
  if (batch.length > 0) yield batch;
}
