import type { Chunk } from './chunk-text.ts';

/**
 * What is kept of a chunk beside its text and offsets; what it has not is left out. `places` lists, when there is more
 * than one, from which character of the chunk on which page and headings hold.
 */
export interface ChunkMetadata {
  readonly headings?: readonly string[];
  readonly page?: number;
  readonly page_end?: number;
  readonly page_label?: string;
  readonly table_header?: string;
  readonly code_language?: string;
  readonly places?: readonly {
    readonly at: number;
    readonly page?: number;
    readonly page_label?: string;
    readonly headings?: readonly string[];
  }[];
}

/** Names a chunk's place in its document as `document_chunks.metadata` holds it. */
export function chunkMetadata(chunk: Chunk): ChunkMetadata {
  return {
    ...placeFields(chunk),
    ...(chunk.pageEnd === null ? {} : { page_end: chunk.pageEnd }),
    ...(chunk.tableHeader === null ? {} : { table_header: chunk.tableHeader }),
    ...(chunk.codeLanguage === null ? {} : { code_language: chunk.codeLanguage }),
    ...(chunk.places.length < 2
      ? {}
      : { places: chunk.places.map((place) => ({ at: place.start - chunk.start, ...placeFields(place) })) }),
  };
}

function placeFields(
  place: Pick<Chunk, 'headings' | 'page' | 'pageLabel'>,
): Pick<ChunkMetadata, 'headings' | 'page' | 'page_label'> {
  return {
    ...(place.headings.length === 0 ? {} : { headings: place.headings }),
    ...(place.page === null ? {} : { page: place.page }),
    ...(place.pageLabel === null ? {} : { page_label: place.pageLabel }),
  };
}
