/** A chunk that waits for its vector. */
export type ChunkToEmbed = { index: number; content: string; vectorTypeId: number };

// A batch is stored in one statement and is what a crash repeats.
const mostChunks = 64;
const mostCharacters = 262_144;

/** Splits chunks into batches that one call to the model takes: by number, and by the size of their text. */
export function* embeddingBatches(chunks: readonly ChunkToEmbed[], modelBatch: number): Generator<ChunkToEmbed[]> {
  const most = Math.max(1, Math.min(mostChunks, modelBatch));
  let batch: ChunkToEmbed[] = [];
  let characters = 0;
  for (const chunk of chunks) {
    if (batch.length > 0 && (batch.length >= most || characters + chunk.content.length > mostCharacters)) {
      yield batch;
      batch = [];
      characters = 0;
    }
    batch.push(chunk);
    characters += chunk.content.length;
  }
  if (batch.length > 0) yield batch;
}
