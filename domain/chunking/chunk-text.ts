import { headingPaths } from './heading-paths.ts';
import { scanStructure } from './scan-structure.ts';
import { strengths, weakestSection } from './text-structure.ts';
import type { TextFormat, TextStructure } from './text-structure.ts';

/** Where the tokens of a text lie, ascending: token i covers `text.slice(starts[i], ends[i])`. */
export interface TokenSpans {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** Sizes in tokens; `overlap` is the most that a chunk repeats of the one before it. */
export interface ChunkSizes {
  readonly size: number;
  readonly overlap: number;
}

/** One piece of a text: `text.slice(start, end)`. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly tokens: number;
  /** Titles of the headings that stand above the part that this chunk adds, outermost first. */
  readonly headings: readonly string[];
}

// A token of prose is 4 to 5 characters; more than this is a run without spaces, or mostly white space.
const charactersPerToken = 16;

// A few milliseconds of work.
const chunksPerStep = 128;

/**
 * Cuts a text into chunks of at most `size` tokens, at the best place of the second half of each (a section's begin may
 * lie earlier), and repeats up to `overlap` tokens, from a sentence's or word's begin, but never across a section's
 * begin. Without the repeated parts the chunks join to the text exactly. Linear in the text's length; yields now and
 * then, so that the caller may let others run.
 */
export function* chunkText(
  text: string,
  format: TextFormat,
  tokens: TokenSpans,
  sizes: ChunkSizes,
): Generator<void, Chunk[]> {
  const structure = yield* scanStructure(text, format);
  const cutter = new Cutter(text, structure, tokens, sizes);
  const pathAt = headingPaths(structure.headings);
  const chunks: Chunk[] = [];
  let start = 0;
  let fresh = 0;
  while (fresh < text.length) {
    const end = cutter.cut(start, fresh);
    chunks.push({ start, end, tokens: cutter.countTokens(start, end), headings: pathAt(fresh) });
    start = cutter.overlapStart(fresh, end);
    fresh = end;
    if (chunks.length % chunksPerStep === 0) yield;
  }
  return chunks;
}

class Cutter {
  private readonly text: string;
  private readonly structure: TextStructure;
  private readonly starts: Uint32Array;
  private readonly ends: Uint32Array;
  private readonly size: number;
  private readonly overlap: number;

  constructor(text: string, structure: TextStructure, tokens: TokenSpans, sizes: ChunkSizes) {
    this.text = text;
    this.structure = structure;
    this.starts = tokens.starts;
    this.ends = tokens.ends;
    this.size = Math.max(1, Math.floor(sizes.size));
    // At least half of a chunk is new, or a large overlap would multiply the work.
    this.overlap = Math.max(0, Math.min(Math.floor(sizes.overlap), Math.floor(this.size / 2)));
  }

  /** Tokens that touch [start, end); one that a cut splits counts on both sides. */
  countTokens(start: number, end: number): number {
    return Math.max(0, firstAtLeast(this.starts, end) - firstAtLeast(this.ends, start + 1));
  }

  /** The end of the chunk that begins at `start` and whose new part begins at `fresh`. */
  cut(start: number, fresh: number): number {
    const limit = this.limit(start, fresh);
    if (limit >= this.text.length) return this.text.length;
    const half = this.positionWithin(fresh, limit, 2);
    const quarter = this.positionWithin(fresh, limit, 4);
    return this.bestPlace(fresh, limit, half, quarter) ?? this.wordPlace(half, limit);
  }

  /** The begin of the next chunk, whose new part begins at `end`; it lies after `fresh`, so chunks advance. */
  overlapStart(fresh: number, end: number): number {
    if (this.overlap === 0 || end >= this.text.length) return end;
    let first = firstAtLeast(this.starts, end) - this.overlap;
    // Several tokens may begin at one character (a Hangul syllable): take all of them or none.
    while (first > 0 && this.starts[first] === this.starts[first - 1]) first += 1;
    const lowest = Math.max(first >= 0 ? (this.starts[first] ?? end) : 0, fresh);
    if (lowest >= end) return end;
    const { positions, strengths: values } = this.structure;
    const middle = lowest + (end - lowest) / 2;
    let sentence = -1;
    for (let place = firstAtLeast(positions, end); place >= 0 && (positions[place] ?? end) >= lowest; place -= 1) {
      const position = positions[place];
      if (position === undefined || position > end) continue;
      if (values[place]! >= weakestSection) return position === end ? end : position;
      if (position <= middle && values[place]! >= strengths.sentence) sentence = position;
    }
    if (sentence >= 0) return sentence;
    for (let token = firstAtLeast(this.starts, lowest); token < this.starts.length; token += 1) {
      const position = this.starts[token]!;
      if (position >= end) break;
      if (this.beginsWord(position)) return position;
    }
    return this.notInsideCharacter(lowest);
  }

  /** The furthest place to which `size` tokens reach, white space after them included. */
  private limit(start: number, fresh: number): number {
    const first = firstAtLeast(this.ends, start + 1);
    const last = first + this.size;
    const limit = last < this.starts.length ? this.starts[last]! : this.text.length;
    // White space before the first token does not count, or it could fill a chunk alone.
    const begin = Math.max(start, Math.min(this.starts[first] ?? start, limit));
    const furthest = Math.max(begin + this.size * charactersPerToken, fresh + 1);
    if (limit <= furthest) return Math.max(limit, Math.min(fresh + 1, this.text.length));
    let place = this.notInsideCharacter(furthest);
    while (place < limit && isSpace(this.text.charCodeAt(place))) place += 1;
    return place > fresh ? place : furthest + 1;
  }

  /** Where 1/`part` of the new part's tokens end. */
  private positionWithin(fresh: number, limit: number, part: number): number {
    const from = firstAtLeast(this.starts, fresh);
    const to = firstAtLeast(this.starts, limit);
    const token = from + Math.ceil((to - from) / part);
    return token < to ? this.starts[token]! : fresh + Math.ceil((limit - fresh) / part);
  }

  /** The strongest listed place, the last among equals; a section's begin counts from `quarter` on. */
  private bestPlace(fresh: number, limit: number, half: number, quarter: number): number | null {
    const { positions, strengths: values } = this.structure;
    let best: number | null = null;
    let bestValue = 0;
    for (let place = firstAtLeast(positions, Math.max(quarter, fresh + 1)); place < positions.length; place += 1) {
      const position = positions[place]!;
      if (position > limit) break;
      const value = values[place]!;
      if (position < half && value < weakestSection) continue;
      if (value >= strengths.wrappedLine && value >= bestValue) {
        best = position;
        bestValue = value;
      }
    }
    return best;
  }

  /** The last begin of a word between `half` and `limit`, else `limit` itself. */
  private wordPlace(half: number, limit: number): number {
    if (this.beginsWord(limit)) return limit;
    for (let token = firstAtLeast(this.starts, limit) - 1; token >= 0; token -= 1) {
      const position = this.starts[token]!;
      if (position < half) break;
      if (this.beginsWord(position)) return position;
    }
    return this.notInsideCharacter(limit);
  }

  private beginsWord(position: number): boolean {
    return position > 0 && isSpace(this.text.charCodeAt(position - 1));
  }

  /** Moves a place that would split a surrogate pair behind the pair. */
  private notInsideCharacter(position: number): number {
    const low = this.text.charCodeAt(position);
    const high = this.text.charCodeAt(position - 1);
    return low >= 0xdc00 && low <= 0xdfff && high >= 0xd800 && high <= 0xdbff ? position + 1 : position;
  }
}

/** Index of the first value that is at least `bound`, in an ascending list. */
function firstAtLeast(values: ArrayLike<number>, bound: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

function isSpace(character: number): boolean {
  return character === 0x20 || (character >= 0x09 && character <= 0x0d) || character === 0xa0 || character === 0x3000;
}
