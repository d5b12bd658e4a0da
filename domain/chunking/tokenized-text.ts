/** Where the tokens of a text lie, ascending: token i covers `text.slice(starts[i], ends[i])`. */
export interface TokenSpans {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
}

/** The tokens of a text and the tokenizer that found them. */
export interface TokenizedText extends TokenSpans {
  /** Places without white space around them where the text was parted before it was tokenized, ascending. */
  readonly seams: readonly number[];
  /** Tokens of a part of the text, taken alone. */
  countTokens(part: string): number;
}

/**
 * Counts tokens of parts of a text as a model would that is given the part alone. Between white space that is how many
 * of the text's tokens lie there; a cut within a word may make more of them, so there the tokenizer is asked.
 */
export class TokenCounter {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  private readonly text: string;
  private readonly tokens: TokenizedText;

  constructor(text: string, tokens: TokenizedText) {
    this.text = text;
    this.tokens = tokens;
    this.starts = tokens.starts;
    this.ends = tokens.ends;
  }

  /** Tokens of [start, end) alone. */
  count(start: number, end: number): number {
    const { seams } = this.tokens;
    const seam = seams[firstAtLeast(seams, start + 1)] ?? end;
    if (seam < end || !this.partsTokens(start) || !this.partsTokens(end))
      return this.tokens.countTokens(this.text.slice(start, end));
    return this.touched(start, end);
  }

  /** Index of the first token that begins at `position` or behind it. */
  firstFrom(position: number): number {
    return firstAtLeast(this.starts, position);
  }

  /** Index of the first token that ends behind `position`. */
  firstEndingAfter(position: number): number {
    return firstAtLeast(this.ends, position + 1);
  }

  /** One that a cut parts counts on both sides; one without an extent (of a Hangul syllable) belongs to what precedes. */
  private touched(start: number, end: number): number {
    return Math.max(this.firstFrom(end), this.firstEndingAfter(end)) - this.firstEndingAfter(start);
  }

  /** Whether a cut here leaves the tokens on both sides as they are. */
  private partsTokens(position: number): boolean {
    return (
      position <= 0 ||
      position >= this.text.length ||
      isPlainSpace(this.text.charCodeAt(position)) ||
      isPlainSpace(this.text.charCodeAt(position - 1))
    );
  }
}

/** Index of the first value that is at least `bound`, in an ascending list. */
export function firstAtLeast(values: ArrayLike<number>, bound: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Whether every tokenizer takes a UTF-16 unit for white space: BERT's drops other control characters, such as form feeds,
 * and joins what they part.
 */
export function isPlainSpace(character: number): boolean {
  return (
    character === 0x20 ||
    character === 0x09 ||
    character === 0x0a ||
    character === 0x0d ||
    character === 0xa0 ||
    character === 0x3000
  );
}
