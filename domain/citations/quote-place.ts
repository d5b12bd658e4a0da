import type { ChunkMetadata } from '../chunking/chunk-metadata.ts';

/** Where in its document a quote stands; pages are null in a document without, headings outermost first. */
export interface QuotePlace {
  readonly page: number | null;
  readonly pageEnd: number | null;
  readonly pageLabel: string | null;
  readonly headings: readonly string[];
}

/** The pages and headings of [start, end) of a chunk, by what is kept of the chunk. */
export function quotePlace(chunk: ChunkMetadata, start: number, end: number): QuotePlace {
  const places = chunk.places ?? [{ at: 0, ...chunk }];
  const first = places.findLast((place) => place.at <= start) ?? places[0];
  const last = places.findLast((place) => place.at < end) ?? first;
  return {
    page: first?.page ?? null,
    pageEnd: last?.page ?? null,
    pageLabel: first?.page_label ?? null,
    headings: first?.headings ?? [],
  };
}
