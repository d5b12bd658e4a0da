/** A chunk of a document: `content` is `start`–`end` of its text in UTF-16 units. */
export interface PlacedChunk {
  readonly start: number;
  readonly end: number;
  readonly content: string;
}

/**
 * The text that chunks in their order cover together, each part that two chunks share once. Chunks of one document
 * follow each other without a gap, so the result is its text from the first one's start to the last one's end.
 */
export function joinChunks(chunks: readonly PlacedChunk[]): string {
  let text = '';
  let end = chunks[0]?.start ?? 0;
  for (const chunk of chunks) {
    if (chunk.end <= end) continue;
    text += chunk.content.slice(Math.max(0, end - chunk.start));
    end = chunk.end;
  }
  return text;
}
