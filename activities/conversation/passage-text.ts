import type { ChunkMetadata } from '../../domain/chunking/chunk-metadata.ts';
import type { SearchHit } from '../../retrieval/search-outcome.ts';

/** The text of a hit that a model reads and may quote, with its neighbours where they were asked for. */
export interface PassageText {
  readonly text: string;
  /** Where the text begins in its document. */
  readonly start: number;
  /** What is kept of the chunk with which it begins. */
  readonly metadata: ChunkMetadata;
}

/** Gives a hit's text to a model. */
export function passageText(hit: SearchHit): PassageText {
  if (hit.context === null) return { text: hit.content, start: hit.startChar, metadata: hit.metadata };
  const { content, startChar, chunks } = hit.context;
  return { text: content, start: startChar, metadata: chunks[0]?.metadata ?? hit.metadata };
}

/** The chunk of a passage that holds a quote at [start, end) of the document, else the one in which it begins. */
export function quotedChunk(
  hit: SearchHit,
  start: number,
  end: number,
): { chunkIndex: number; startChar: number; metadata: ChunkMetadata } {
  const holding = hit.context?.chunks.filter((chunk) => chunk.startChar <= start && start < chunk.endChar) ?? [];
  const own = hit.startChar <= start && end <= hit.endChar;
  return own ? hit : (holding.find((chunk) => end <= chunk.endChar) ?? holding[0] ?? hit);
}
