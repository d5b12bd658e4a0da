import { collectSegments } from './collect-segments.ts';
import type { PageContent, TextRun } from './page-run.ts';
import { roundSize } from './text-style.ts';

// Parts of the page's height at its top and its bottom where running lines stand.
const marginal = 0.12;
const fewestPages = 3;
// A header or footer has a left, a middle and a right; more side by side are the cells of a table.
const mostParts = 3;
const mostLinesApart = 4;
// From line to line, in heights of the font; a header keeps further away.
const widestPitch = 1.9;
// What stands beside something that is not repeated must be words, for values are the same by chance.
const wordy = /\p{L}{2,}.*\P{L}\p{L}{2,}|\p{L}{8,}/u;
const pageNumber = /^(?:\p{L}{1,8}\.?\s*)?[-–—|\s]*#[-–—|\s]*(?:(?:of|von|de|\/)\s*#)?$/iu;
const numberFirst = /^((?:\p{L}{1,8}\.?\s*)?[-–—|\s]*)(\d{1,6})(.*)$/u;
const numberLast = /^(.*?)(\d{1,6})([-–—|\s]*(?:(?:of|von|de|\/)\s*\d+)?)$/iu;

/** The segments of each page, and what was taken from them because it only repeats, each once. */
export interface PagesWithoutRunningLines {
  readonly segments: TextRun[][];
  readonly runningLines: string[];
}

/** A segment, and what it would be known by on other pages if it were a running line: as it stands, and counting. */
type Candidate = { segment: TextRun; isNumber: boolean; keys: { same: string; counting: readonly string[] } | null };
/** A line of a page from side to side; `isApart` where white space parts it from the text of the page. */
type Line = { candidates: Candidate[]; isApart: boolean };

/**
 * Takes page numbers, headers and footers from the pages, so that none of them stands in the middle of a sentence that
 * goes on over the page. Of headers and footers each different one is kept apart. Rows of a table that reaches the margin
 * are left, though some of their values may be the same as on other pages.
 */
export function dropRunningLines(pages: readonly PageContent[]): PagesWithoutRunningLines {
  const all = pages.map(({ runs }) => collectSegments(runs));
  const lines = pages.map((page, index) => linesOf(all[index] ?? [], page));
  const counts = new Map<string, number>();
  for (const ofPage of lines) for (const key of keysOf(ofPage)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const enough = Math.max(fewestPages, pages.length * 0.3);
  const has = (key: string, least: number) => (counts.get(key) ?? 0) >= least;
  // A page's number may stand close to the text; whatever else counts with the pages may be the first column of a table.
  const mayCount = ({ candidates, isApart }: Line) =>
    isApart || (candidates.length === 1 && (candidates[0]!.isNumber || !/\p{L}/u.test(candidates[0]!.segment.text)));
  const isRunning = ({ keys, isNumber }: Candidate, line: Line) =>
    keys !== null &&
    (has(keys.same, enough) || (mayCount(line) && keys.counting.some((key) => has(key, isNumber ? 2 : enough))));
  const running = new Map<string, string>();
  const segments = all.map((list, index) => {
    const dropped = new Set<TextRun>();
    for (const line of lines[index] ?? []) {
      const { candidates, isApart } = line;
      if (candidates.length > mostParts) continue;
      const repeated = candidates.filter((candidate) => isRunning(candidate, line));
      const isWhole = repeated.length === candidates.length;
      for (const { segment, keys, isNumber } of repeated) {
        if (!isWhole && !(isApart && (isNumber || wordy.test(segment.text)))) continue;
        dropped.add(segment);
        const key = [keys!.same, ...keys!.counting].find((one) => has(one, enough)) ?? '';
        if (!isNumber && !running.has(key)) running.set(key, segment.text.trim());
      }
    }
    return list.filter((segment) => !dropped.has(segment));
  });
  return { segments, runningLines: [...new Set(running.values())] };
}

function keysOf(lines: readonly Line[]): Set<string> {
  const candidates = lines.flatMap((line) => line.candidates);
  return new Set(candidates.flatMap(({ keys }) => (keys === null ? [] : [keys.same, ...keys.counting])));
}

/** The lines of a page from top to bottom. */
function linesOf(segments: readonly TextRun[], page: PageContent): Line[] {
  const lines: Line[] = [];
  let last: TextRun | null = null;
  for (const segment of segments.toSorted((a, b) => a.baseline - b.baseline)) {
    const candidate = candidateOf(segment, page);
    if (last !== null && segment.baseline - last.baseline < 0.3 * segment.size)
      lines.at(-1)!.candidates.push(candidate);
    else lines.push({ candidates: [candidate], isApart: false });
    last = segment;
  }
  markApart(lines);
  markApart(lines.toReversed());
  return lines;
}

/** Marks the lines before the first wide gap, if they are few. */
function markApart(lines: readonly Line[]): void {
  const top = ({ candidates }: Line) => candidates[0]!.segment;
  for (let count = 1; count <= mostLinesApart && count < lines.length; count += 1) {
    const [before, after] = [top(lines[count - 1]!), top(lines[count]!)];
    if (Math.abs(after.baseline - before.baseline) <= widestPitch * Math.max(after.size, before.size)) continue;
    for (const line of lines.slice(0, count)) line.isApart = true;
    return;
  }
}

function candidateOf(segment: TextRun, { height, number }: PageContent): Candidate {
  const { baseline, size } = segment;
  const text = segment.text.replaceAll(/\s+/g, ' ').trim();
  const isNumber = pageNumber.test(text.replaceAll(/\d+/g, '#'));
  if (baseline - size >= marginal * height && baseline < (1 - marginal) * height)
    return { segment, isNumber, keys: null };
  const place = `${Math.round(baseline / 4)} ${roundSize(size)}`;
  const [same = '', ...counting] = formsOf(text, number).map((form) => `${place} ${form}`);
  return { segment, isNumber, keys: { same, counting } };
}

/**
 * The text as it may be the same on each page: as it stands, or but for a number at its begin or end that grows with the
 * pages. Any other number belongs to what is said.
 */
function formsOf(text: string, page: number): string[] {
  const forms = [text];
  for (const edge of [numberFirst, numberLast]) {
    const [, before, digits, after] = edge.exec(text) ?? [];
    if (digits !== undefined) forms.push(`${before}#${Number(digits) - page}${after}`);
  }
  return forms;
}
