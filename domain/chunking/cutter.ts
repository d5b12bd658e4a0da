import { strengths, weakestSection } from './text-structure.ts';
import type { Block, TextStructure } from './text-structure.ts';
import { firstAtLeast, TokenCounter } from './tokenized-text.ts';
import type { TokenizedText } from './tokenized-text.ts';

/** Sizes in tokens; `overlap` is the most that a chunk repeats of the one before it. */
export interface ChunkSizes {
  readonly size: number;
  readonly overlap: number;
}

/** A chunk's text at [start, end), of which everything before `end` of the chunk before is repeated. */
export interface Cut {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
}

// A token of prose is 4 to 5 characters; more than this is a run without spaces, or mostly white space.
const charactersPerToken = 16;

/** Finds the ends of chunks and where their repeated part begins. */
export class Cutter {
  private readonly text: string;
  private readonly structure: TextStructure;
  private readonly blockStarts: number[];
  private readonly tableStarts: number[];
  private readonly tokens: TokenCounter;
  private readonly size: number;
  private readonly overlap: number;

  constructor(text: string, structure: TextStructure, tokens: TokenizedText, sizes: ChunkSizes) {
    this.text = text;
    this.structure = structure;
    this.blockStarts = structure.blocks.map((block) => block.start);
    this.tableStarts = structure.tables.map((table) => table.start);
    this.tokens = new TokenCounter(text, tokens);
    this.size = Math.max(1, Math.floor(sizes.size));
    this.overlap = Math.max(0, Math.min(Math.floor(sizes.overlap), this.size - 1));
  }

  /** The chunk that begins at `start` and whose new part begins at `fresh`; it begins at `fresh` if both have no room. */
  cut(start: number, fresh: number): Cut {
    let size = this.size;
    for (;;) {
      const limit = this.limit(start, size);
      if (start < fresh && (limit <= fresh || this.repeatsTooMuch(fresh, limit))) return this.cut(fresh, fresh);
      const end = limit <= fresh ? this.nextCharacter(fresh) : this.placeBefore(fresh, limit);
      const tokens = this.tokens.count(start, end);
      if (tokens <= this.size || (start === fresh && end <= this.nextCharacter(fresh))) return { start, end, tokens };
      // Only a cut within a word comes here: what it leaves of the word makes more tokens than the whole.
      size = Math.floor(Math.min(size * 0.9, (size * this.size) / tokens));
    }
  }

  /** The begin of the chunk after this one, whose new part begins at its end. */
  overlapStart({ start: after, end }: Cut): number {
    for (let overlap = this.overlap; overlap > 0 && end < this.text.length; overlap = Math.floor(overlap / 2)) {
      const start = this.repeatedFrom(after, end, overlap);
      if (start >= end || this.tokens.count(start, end) <= this.overlap) return start;
    }
    return end;
  }

  /** Begins behind `after`, so that no chunk holds the whole of another. */
  private repeatedFrom(after: number, end: number, overlap: number): number {
    let first = Math.max(0, this.tokens.firstFrom(end) - overlap);
    const { starts } = this.tokens;
    // Several tokens may begin at one character (a Hangul syllable): take all of them or none.
    while (first > 0 && starts[first] === starts[first - 1]) first += 1;
    const lowest = Math.max(starts[first] ?? end, end - overlap * charactersPerToken, after + 1);
    if (lowest >= end) return end;
    const { positions, strengths: values } = this.structure;
    const middle = lowest + (end - lowest) / 2;
    let sentence = -1;
    let line = -1;
    for (let place = firstAtLeast(positions, end + 1) - 1; place >= 0 && positions[place]! >= lowest; place -= 1) {
      const position = positions[place]!;
      // What stands before a section's begin is not continued behind it.
      if (values[place]! >= weakestSection) return position;
      if (position < end && values[place]! >= strengths.line) line = position;
      if (position <= middle && values[place]! >= strengths.sentence) sentence = position;
    }
    if (sentence >= 0) return sentence;
    // Half a row of a table says nothing.
    if (line >= 0 || this.tableRowAt(lowest) !== null) return line >= 0 ? line : end;
    for (let token = this.tokens.firstFrom(lowest); token < starts.length && starts[token]! < end; token += 1)
      if (this.beginsWord(starts[token]!)) return starts[token]!;
    return this.notInsideCharacter(lowest);
  }

  /** The furthest place to which `size` tokens reach, white space after them included. */
  private limit(start: number, size: number): number {
    const { starts } = this.tokens;
    const first = this.tokens.firstEndingAfter(start);
    const limit = starts[first + size] ?? this.text.length;
    // White space before the first token does not count, or it could fill a chunk alone.
    const begin = Math.max(start, Math.min(starts[first] ?? start, limit));
    const furthest = begin + Math.max(1, size * charactersPerToken);
    if (limit <= furthest) return limit;
    let place = this.notInsideCharacter(furthest);
    while (place < limit && isSpace(this.text.charCodeAt(place))) place += 1;
    return place;
  }

  private placeBefore(fresh: number, limit: number): number {
    if (limit >= this.text.length) return this.text.length;
    const half = this.positionWithin(fresh, limit, 2);
    return this.bestPlace(fresh, limit, half) ?? this.rowPlace(fresh, limit) ?? this.wordPlace(fresh, half, limit);
  }

  /** Whether the repeated part takes the room of a row that would fit without it. */
  private repeatsTooMuch(fresh: number, limit: number): boolean {
    const row = this.tableRowAt(fresh);
    return row !== null && row.start === fresh && row.end > limit && this.fits(row);
  }

  /** Where 1/`part` of the new part's tokens end. */
  private positionWithin(fresh: number, limit: number, part: number): number {
    const from = this.tokens.firstFrom(fresh);
    const to = this.tokens.firstFrom(limit);
    const token = from + Math.ceil((to - from) / part);
    return token < to ? this.tokens.starts[token]! : fresh + Math.ceil((limit - fresh) / part);
  }

  /**
   * The strongest listed place of the second half, the last among equals; a section's begin counts from the first
   * quarter on, and from the first eighth on that of a block which the limit would cut though it fits into a chunk.
   */
  private bestPlace(fresh: number, limit: number, half: number): number | null {
    const { positions, strengths: values } = this.structure;
    const quarter = this.positionWithin(fresh, limit, 4);
    const eighth = Math.max(this.positionWithin(fresh, limit, 8), fresh + 1);
    let best: number | null = null;
    let bestValue = 0;
    for (let place = firstAtLeast(positions, eighth); place < positions.length; place += 1) {
      const position = positions[place]!;
      if (position > limit) break;
      const value = values[place]!;
      if (value < strengths.wrappedLine || value < bestValue) continue;
      const isSection = value >= weakestSection && position >= quarter;
      if (position < half && !isSection && !this.isCutBlock(position, limit)) continue;
      best = position;
      bestValue = value;
    }
    return best;
  }

  private isCutBlock(position: number, limit: number): boolean {
    const block = this.structure.blocks[firstAtLeast(this.blockStarts, position)];
    return block?.start === position && block.end > limit && this.fits(block);
  }

  /** The begin of the row that the limit would cut, if the row fits into a chunk. */
  private rowPlace(fresh: number, limit: number): number | null {
    const row = this.tableRowAt(limit);
    return row !== null && row.start > fresh && row.start < limit && this.fits(row) ? row.start : null;
  }

  /** The row of a table's body at a position. */
  private tableRowAt(position: number): Block | null {
    const table = this.structure.tables[firstAtLeast(this.tableStarts, position + 1) - 1];
    if (table === undefined || position < table.bodyStart || position >= table.end) return null;
    const { positions } = this.structure;
    const next = firstAtLeast(positions, position + 1);
    const start = Math.max(positions[next - 1] ?? 0, table.bodyStart);
    return { start, end: Math.min(positions[next] ?? table.end, table.end) };
  }

  private fits(block: Block): boolean {
    const first = this.tokens.firstEndingAfter(block.start);
    return (this.tokens.starts[first + this.size] ?? this.text.length) >= block.end;
  }

  /** The last begin of a word between `half` and `limit`, else `limit` itself. */
  private wordPlace(fresh: number, half: number, limit: number): number {
    if (this.beginsWord(limit)) return limit;
    for (let token = this.tokens.firstFrom(limit) - 1; token >= 0; token -= 1) {
      const position = this.tokens.starts[token]!;
      if (position < half || position <= fresh) break;
      if (this.beginsWord(position)) return position;
    }
    return this.notInsideCharacter(limit);
  }

  private beginsWord(position: number): boolean {
    return position > 0 && isSpace(this.text.charCodeAt(position - 1));
  }

  private nextCharacter(position: number): number {
    return Math.min(this.notInsideCharacter(position + 1), this.text.length);
  }

  /** Moves a place that would split a surrogate pair behind the pair. */
  private notInsideCharacter(position: number): number {
    const low = this.text.charCodeAt(position);
    const high = this.text.charCodeAt(position - 1);
    return low >= 0xdc00 && low <= 0xdfff && high >= 0xd800 && high <= 0xdbff ? position + 1 : position;
  }
}

function isSpace(character: number): boolean {
  return character === 0x20 || (character >= 0x09 && character <= 0x0d) || character === 0xa0 || character === 0x3000;
}
