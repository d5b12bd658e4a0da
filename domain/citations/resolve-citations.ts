/** A passage that an answer may cite; `text` is exactly the text of its chunk. */
export type CitablePassage = { n: number; text: string };

/** A citation whose quote stands in the passage at [start, end), counted in UTF-16 units of the passage's text. */
export type ResolvedCitation = { position: number; marker: number; quote: string; start: number; end: number };

const markerPattern = /\[(\d{1,3})\]/g;
const quotePattern = /["“”«»„]([^"“”«»„]{8,})["“”«»„]/g;

/**
 * Finds the markers of an answer and gives each a quote that really stands in the passage it names: the words in
 * quotation marks before the marker if they do, else the passage's sentence that shares most words with the statement.
 * A marker that names no passage is not a citation. Each pair of marker and quote is listed once, in reading order.
 */
export function resolveCitations(answer: string, passages: readonly CitablePassage[]): ResolvedCitation[] {
  const byNumber = new Map(passages.map((passage) => [passage.n, passage]));
  const found: ResolvedCitation[] = [];
  const seen = new Set<string>();
  let statementStart = 0;
  const quoted = quotesOf(answer, passages);
  for (const match of answer.matchAll(markerPattern)) {
    // A document may hold such marks itself: within its words they cite nothing.
    if (quoted.some((quote) => quote.start <= match.index && match.index < quote.end)) continue;
    const passage = byNumber.get(Number(match[1]));
    const statement = answer.slice(statementStart, match.index);
    // Markers in a row, as in [1][2], share the statement before the first of them.
    if (statement.replace(markerPattern, '').trim() !== '') statementStart = match.index;
    if (!passage) continue;
    const span = quotedSpan(statement, passage.text) ?? closestSentence(statement, passage.text);
    if (!span) continue;
    const key = `${passage.n}:${span.start}:${span.end}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const quote = passage.text.slice(span.start, span.end);
    found.push({ position: found.length, marker: passage.n, quote, ...span });
  }
  return found;
}

type Span = { start: number; end: number };

/** Where the answer repeats a passage word for word between quotation marks. */
function quotesOf(answer: string, passages: readonly CitablePassage[]): Span[] {
  return [...answer.matchAll(quotePattern)]
    .filter((match) => passages.some((passage) => passage.text.includes(match[1] ?? '\0')))
    .map((match) => ({ start: match.index, end: match.index + match[0].length }));
}

function quotedSpan(statement: string, text: string): Span | null {
  for (const match of [...statement.matchAll(quotePattern)].reverse()) {
    const quote = match[1];
    if (quote === undefined) continue;
    const start = text.indexOf(quote);
    if (start >= 0) return { start, end: start + quote.length };
  }
  return null;
}

function closestSentence(statement: string, text: string): Span | null {
  const wanted = new Set(words(statement));
  let best: (Span & { score: number }) | null = null;
  for (const sentence of sentences(text)) {
    const own = words(text.slice(sentence.start, sentence.end));
    if (own.length === 0) continue;
    const shared = new Set(own.filter((word) => wanted.has(word))).size;
    const score = shared / Math.sqrt(own.length);
    if (!best || score > best.score) best = { ...sentence, score };
  }
  return best && { start: best.start, end: best.end };
}

function words(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
}

function sentences(text: string): Span[] {
  const spans: Span[] = [];
  for (const match of text.matchAll(/[^\n.!?。！？]+(?:[.!?。！？]+|\n|$)/gu)) {
    const raw = match[0];
    const start = match.index + (raw.length - raw.trimStart().length);
    const end = match.index + raw.trimEnd().length;
    if (end > start) spans.push({ start, end });
  }
  return spans;
}
