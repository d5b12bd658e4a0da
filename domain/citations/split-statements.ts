import { appendSentenceEnds } from '../chunking/sentence-ends.ts';
import type { Span } from './find-quote.ts';

const marks = /^(?:[-*+>•]+\s+|#{1,6}\s+|\d{1,9}[.)]\s+)*/;

/** The sentences of a text, none across a line's end, without white space and marks of lists and headings around them. */
export function splitStatements(text: string): Span[] {
  const spans: Span[] = [];
  let lineStart = 0;
  while (lineStart < text.length) {
    const lineFeed = text.indexOf('\n', lineStart);
    const lineEnd = lineFeed < 0 ? text.length : lineFeed;
    const cuts: number[] = [];
    appendSentenceEnds(text, lineStart, lineEnd, cuts, []);
    let start = lineStart;
    for (const end of [...cuts.filter((cut) => cut < lineEnd), lineEnd]) {
      const raw = text.slice(start, end);
      const bare = raw.trimStart();
      const from = start + (raw.length - bare.length) + marks.exec(bare)![0].length;
      const to = start + raw.trimEnd().length;
      if (to > from) spans.push({ start: from, end: to });
      start = end;
    }
    lineStart = lineEnd + 1;
  }
  return spans;
}
