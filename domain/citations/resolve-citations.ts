import { findQuote, quotedText } from './find-quote.ts';
import type { QuotedText, Span } from './find-quote.ts';
import { splitStatements } from './split-statements.ts';

/** A passage that an answer may cite; `text` is exactly the text of its chunk. */
export type CitablePassage = { n: number; text: string };

/** A citation whose quote stands in the passage at [start, end), counted in UTF-16 units of the passage's text. */
export type ResolvedCitation = { position: number; marker: number; quote: string; start: number; end: number };

const markerPattern = /\[(\d{1,3})\]/g;
const quotePattern = /["“”«»„]([^"“”«»„]{8,})["“”«»„]|[「『]([^「」『』]{4,})[」』]/g;

/**
 * Finds the markers of an answer and gives each a quote that really stands in the passage it names: the words in
 * quotation marks before the marker if they do (white space and typography aside: the quote is the passage's own
 * spelling), else the passage's sentence that shares most words with the statement. A marker that names no passage is
 * not a citation. Each pair of marker and quote is listed once, in reading order.
 */
export function resolveCitations(answer: string, passages: readonly CitablePassage[]): ResolvedCitation[] {
  const texts = new Map(passages.map((passage) => [passage.n, quotedText(passage.text)]));
  const found: ResolvedCitation[] = [];
  const seen = new Set<string>();
  let statementStart = 0;
  const quoted = quotesOf(answer, [...texts.values()]);
  for (const match of answer.matchAll(markerPattern)) {
    // A document may hold such marks itself: within its words they cite nothing.
    if (quoted.some((quote) => quote.start <= match.index && match.index < quote.end)) continue;
    const marker = Number(match[1]);
    const passage = texts.get(marker);
    const statement = answer.slice(statementStart, match.index);
    // Markers in a row, as in [1][2], share the statement before the first of them.
    if (statement.replace(markerPattern, '').trim() !== '') statementStart = match.index;
    if (!passage) continue;
    const span = quotedSpan(statement, passage) ?? closestSentence(statement, passage.text);
    if (!span) continue;
    const key = `${marker}:${span.start}:${span.end}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const quote = passage.text.slice(span.start, span.end);
    found.push({ position: found.length, marker, quote, ...span });
  }
  return found;
}

/** Where the answer repeats a passage between quotation marks. */
function quotesOf(answer: string, texts: readonly QuotedText[]): Span[] {
  return [...answer.matchAll(quotePattern)]
    .filter((match) => texts.some((text) => findQuote(text, match[1] ?? match[2] ?? '') !== null))
    .map((match) => ({ start: match.index, end: match.index + match[0].length }));
}

function quotedSpan(statement: string, text: QuotedText): Span | null {
  for (const match of [...statement.matchAll(quotePattern)].reverse()) {
    const span = findQuote(text, match[1] ?? match[2] ?? '');
    if (span) return span;
  }
  return null;
}

function closestSentence(statement: string, text: string): Span | null {
  const wanted = new Set(words(statement));
  let best: (Span & { score: number }) | null = null;
  for (const sentence of splitStatements(text)) {
    const own = words(text.slice(sentence.start, sentence.end));
    if (own.length === 0) continue;
    const shared = new Set(own.filter((word) => wanted.has(word))).size;
    const score = shared / Math.sqrt(own.length);
    if (!best || score > best.score) best = { ...sentence, score };
  }
  return best && { start: best.start, end: best.end };
}

/** Words of two letters and more; of scripts without spaces, pairs of characters. */
function words(text: string): string[] {
  const lower = text.toLowerCase();
  const wide = lower.match(/[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]+/gu) ?? [];
  const pairs = wide.flatMap((run) => Array.from(run, (character, index) => character + (run[index + 1] ?? '')));
  return [...(lower.match(/[\p{L}\p{N}]{2,}/gu) ?? []), ...pairs];
}
