import { embeddingText } from '../chunking/embedding-text.ts';
import type { ChunkInContext } from '../chunking/embedding-text.ts';

/** A piece of what is indexed of a chunk; its words count `weight` times. */
export type IndexedPart = { text: string; weight: number };

/**
 * What full text search indexes of a chunk: the same text that is embedded, title and headings included, and the title once
 * more, which says best what a document is about (measured on five collections, docs/benchmarks.md).
 */
export function indexedParts(chunk: ChunkInContext): IndexedPart[] {
  const whole = { text: embeddingText(chunk), weight: 1 };
  return chunk.title === null ? [whole] : [whole, { text: chunk.title, weight: 1 }];
}
