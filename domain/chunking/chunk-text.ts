import { PlaceFinder } from './chunk-places.ts';
import type { ChunkPlace } from './chunk-places.ts';
import { Cutter } from './cutter.ts';
import type { ChunkSizes } from './cutter.ts';
import { scanStructure } from './scan-structure.ts';
import type { TextStructure, TextToChunk } from './text-structure.ts';
import { firstAtLeast } from './tokenized-text.ts';
import type { TokenizedText } from './tokenized-text.ts';

/** One piece of a text: `text.slice(start, end)`. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  /** Tokens of the piece alone. */
  readonly tokens: number;
  /** Titles of the headings that stand above the part that this chunk adds, outermost first. */
  readonly headings: readonly string[];
  /** Numbers of the pages on which the chunk begins and ends; null in a text without pages. */
  readonly page: number | null;
  readonly pageEnd: number | null;
  /** The name of the slide or sheet on which it begins. */
  readonly pageLabel: string | null;
  /** The header row of the table within whose body the chunk begins. */
  readonly tableHeader: string | null;
  /** The language of the fenced code within which the chunk begins. */
  readonly codeLanguage: string | null;
  /** Which pages and headings hold from which position of the text on; the first begins at `start`. */
  readonly places: readonly ChunkPlace[];
}

// A few milliseconds of work.
const chunksPerStep = 128;

/**
 * Cuts a text into chunks of at most `size` tokens, counted of each chunk alone, and joins them to the text exactly when
 * what they repeat is left out. A cut is at the best place of the second half of what a chunk adds (a section, and a
 * table, block of code or function that would fit whole, may begin a new chunk earlier). A chunk repeats at most
 * `overlap` tokens of the one before, and at least about half of that, from a sentence's, line's or word's begin; it
 * repeats nothing across the begin of a section or function, nor a part of a table's row. A row that fits into a chunk
 * is never cut. One character that has more than `size` tokens is a chunk all the same. Linear in the text's length:
 * there are at most about 8 × tokens / (size − overlap) chunks, none longer than 16 characters a token and the white
 * space around them. Yields now and then, so that the caller may let others run.
 */
export function* chunkText(document: TextToChunk, tokens: TokenizedText, sizes: ChunkSizes): Generator<void, Chunk[]> {
  const { text, pages = [] } = document;
  const structure = yield* scanStructure(document);
  const cutter = new Cutter(text, structure, tokens, sizes);
  const places = new PlaceFinder(structure.headings, pages);
  const partAt = partFinder(structure);
  const chunks: Chunk[] = [];
  let start = 0;
  let fresh = 0;
  while (fresh < text.length) {
    const cut = cutter.cut(start, fresh);
    const written = cut.start + text.slice(cut.start, cut.end).trimEnd().length;
    const within = places.within(cut.start, Math.max(written, cut.start + 1));
    chunks.push({
      ...cut,
      headings: places.at(fresh).headings,
      page: within[0]!.page,
      pageEnd: within.at(-1)!.page,
      pageLabel: within[0]!.pageLabel,
      ...partAt(cut.start),
      places: within,
    });
    start = cutter.overlapStart(cut);
    fresh = cut.end;
    if (chunks.length % chunksPerStep === 0) yield;
  }
  return chunks;
}

function partFinder({ tables, fences }: TextStructure): (start: number) => Pick<Chunk, 'tableHeader' | 'codeLanguage'> {
  const tableStarts = tables.map((table) => table.start);
  const fenceStarts = fences.map((fence) => fence.start);
  return (start) => {
    const table = tables[firstAtLeast(tableStarts, start + 1) - 1];
    const fence = fences[firstAtLeast(fenceStarts, start) - 1];
    return {
      tableHeader: table && start >= table.bodyStart && start < table.end ? table.header : null,
      codeLanguage: fence && start < fence.end ? fence.language : null,
    };
  };
}
