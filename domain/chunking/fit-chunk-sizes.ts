import type { ChunkSizes } from './cutter.ts';

/** Sizes that a model can embed, and what was taken away from those that were asked for; null if nothing. */
export interface FittedSizes {
  readonly sizes: ChunkSizes;
  readonly warning: { readonly code: 'chunk_size_capped'; readonly detail: string } | null;
}

/**
 * Caps a chunk's size at the `largest` number of tokens that every embedding model of a document reads whole, and the
 * overlap below the size. Asked-for sizes that fit are kept as they are.
 */
export function fitChunkSizes(asked: ChunkSizes, largest: number): FittedSizes {
  const size = Math.min(asked.size, largest);
  const sizes = { size, overlap: Math.min(asked.overlap, size - 1) };
  if (sizes.size === asked.size && sizes.overlap === asked.overlap) return { sizes, warning: null };
  const detail =
    `Chunks of ${asked.size} tokens with an overlap of ${asked.overlap} were asked for, but the embedding model ` +
    `reads ${largest} tokens: chunks of ${sizes.size} with an overlap of ${sizes.overlap} were made. ` +
    `Set chunk_size to ${largest} or less, or use a model that reads more.`;
  return { sizes, warning: { code: 'chunk_size_capped', detail } };
}
