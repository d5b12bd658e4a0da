import { foldText } from './fold-text.ts';
import type { FoldedText } from './fold-text.ts';

/** A part of a text at [start, end), in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A text in which quotes are looked for; folding it once serves many quotes. */
export interface QuotedText {
  readonly text: string;
  readonly folded: FoldedText;
}

const leastCharacters = 8;
const leastWide = 4;

/** Prepares a text for `findQuote`. */
export function quotedText(text: string): QuotedText {
  return { text, folded: foldText(text) };
}

/**
 * Where a text holds a quote: as it is, else with white space, typography, accents and case folded, else without the
 * stop at the quote's end, else its longest part between omission marks. Null if none of it stands there.
 */
export function findQuote({ text, folded }: QuotedText, quote: string): Span | null {
  const exact = text.indexOf(quote);
  if (quote !== '' && exact >= 0) return { start: exact, end: exact + quote.length };
  const whole = foldText(quote).text.trim();
  const parts = whole.split(/\s*(?:\[\s*)?\.\.\.(?:\s*\])?\s*/u).sort((one, other) => other.length - one.length);
  for (const wanted of [whole, whole.replace(/[.,;:!?]+$/u, ''), ...parts]) {
    const least = /[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\u1100-\u11ff]/u.test(wanted) ? leastWide : leastCharacters;
    if (wanted.length < least) continue;
    const at = folded.text.indexOf(wanted);
    if (at >= 0) return { start: folded.starts[at]!, end: folded.ends[at + wanted.length - 1]! };
  }
  return null;
}
