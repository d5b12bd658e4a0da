/** A stretch of a text: `text.slice(start, end)`, without white space or Markdown markers around it. */
export interface SentenceSpan {
  readonly start: number;
  readonly end: number;
  /** Headings name what follows but answer nothing themselves; rows of tables rarely read as an answer. */
  readonly kind: 'prose' | 'heading' | 'row';
}

// A block ends at an empty line and where the next line begins a Markdown element of its own.
const blockEnd = /\n(?=[ \t]*(?:\n|#{1,6} |[-*+] |\d+[.)] |\||>|```))|\n[ \t]*\n/g;
const sentenceEnd = /(?:[.!?](?:["')\]*_`]|\u201d)*(?=\s+[\p{Lu}\p{N}"'([`*_\u201c])|[。！？])/gu;
const longestSentence = 300;
const clauseEnd = /;(?=\s)/g;
const opening = /^(?:\s|#{1,6} |[-*+] |\d+[.)] |>|\|)*/;
const unquotable = /^[ \t]*(?:```|\|?[ \t]*:?-{3,})/;

/** Splits prose and Markdown into sentences by their place; code fences and table rules are left out. */
export function splitSentences(text: string): SentenceSpan[] {
  return cut(text, 0, text.length, blockEnd).flatMap(([from, to]) => {
    const block = text.slice(from, to);
    if (unquotable.test(block)) return [];
    const kind = kindOf(block);
    return cut(text, from, to, sentenceEnd)
      .flatMap(([first, last]) =>
        last - first > longestSentence ? cut(text, first, last, clauseEnd) : [[first, last]],
      )
      .map(([first = from, last = to]) => trim(text, first, last))
      .filter(({ start, end }) => end > start)
      .map((span) => ({ ...span, kind }));
  });
}

function kindOf(block: string): SentenceSpan['kind'] {
  if (/^\s*#{1,6} /.test(block)) return 'heading';
  return /^\s*\|/.test(block) || /\|\s*$/.test(block) ? 'row' : 'prose';
}

/** Cuts a stretch of the text after every match. */
function cut(text: string, from: number, to: number, separator: RegExp): [number, number][] {
  const ends = Array.from(text.slice(from, to).matchAll(separator), (match) => from + match.index + match[0].length);
  return [...ends, to].map((end, index) => [ends[index - 1] ?? from, end]);
}

function trim(text: string, start: number, end: number): { start: number; end: number } {
  const piece = text.slice(start, end);
  const lead = opening.exec(piece)?.[0].length ?? 0;
  return { start: start + lead, end: start + Math.max(lead, piece.trimEnd().length) };
}
