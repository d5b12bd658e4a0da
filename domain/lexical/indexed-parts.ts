import { embeddingText } from '../chunking/embedding-text.ts';
import type { ChunkInContext } from '../chunking/embedding-text.ts';

/** A piece of what is indexed of a chunk; its words count `weight` times. */
export type IndexedPart = { text: string; weight: number };

/** What full text search indexes of a chunk: the same text that is embedded, title and headings included, once. */
export function indexedParts(chunk: ChunkInContext): IndexedPart[] {
  return [{ text: embeddingText(chunk), weight: 1 }];
}
