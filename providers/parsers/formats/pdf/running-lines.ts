import { collectSegments } from './collect-segments.ts';
import type { PageContent, TextRun } from './page-run.ts';
import { roundSize } from './text-style.ts';

// Parts of the page's height at its top and its bottom where running lines stand.
const marginal = 0.12;
const fewestPages = 3;
// A header or footer has a left, a middle and a right; more side by side are the cells of a table.
const mostParts = 3;
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

/** A segment that may be a running line, and what it would be known by on other pages. */
type Candidate = { segment: TextRun; keys: readonly string[]; isNumber: boolean };

/**
 * Takes page numbers, headers and footers from the pages, so that none of them stands in the middle of a sentence that
 * goes on over the page. Of headers and footers each different one is kept apart. Rows of a table that reaches the margin
 * are left, though their values may be the same as on other pages.
 */
export function dropRunningLines(pages: readonly PageContent[]): PagesWithoutRunningLines {
  const all = pages.map(({ runs }) => collectSegments(runs));
  const candidates = pages.map((page, index) => candidatesOf(all[index] ?? [], page));
  const counts = new Map<string, number>();
  for (const ofPage of candidates)
    for (const key of new Set(ofPage.flatMap(({ keys }) => keys))) counts.set(key, (counts.get(key) ?? 0) + 1);
  const enough = Math.max(fewestPages, pages.length * 0.3);
  const running = new Map<string, string>();
  const segments = all.map((list, index) => {
    const dropped = new Set<TextRun>();
    for (const row of rowsOf(candidates[index] ?? [])) {
      const repeated = row.filter(({ keys, isNumber }) =>
        keys.some((key) => (counts.get(key) ?? 0) >= (isNumber ? 2 : enough)),
      );
      if (row.length > mostParts) continue;
      const isWhole = repeated.length === row.length;
      for (const { segment, keys, isNumber } of repeated) {
        if (!isWhole && !isNumber && !wordy.test(segment.text)) continue;
        dropped.add(segment);
        const [key = ''] = keys.filter((one) => (counts.get(one) ?? 0) >= enough);
        if (!isNumber && !running.has(key)) running.set(key, segment.text.trim());
      }
    }
    return list.filter((segment) => !dropped.has(segment));
  });
  return { segments, runningLines: [...new Set(running.values())] };
}

function candidatesOf(segments: readonly TextRun[], { height, number }: PageContent): Candidate[] {
  return segments.flatMap((segment): Candidate | [] => {
    const { baseline, size } = segment;
    if (baseline - size >= marginal * height && baseline < (1 - marginal) * height) return [];
    const text = segment.text.replaceAll(/\s+/g, ' ').trim();
    const isNumber = pageNumber.test(text.replaceAll(/\d+/g, '#'));
    const place = `${Math.round(baseline / 4)} ${roundSize(size)}`;
    return { segment, isNumber, keys: formsOf(text, number).map((form) => `${place} ${form}`) };
  });
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

/** Those that stand on one line, together. */
function rowsOf(candidates: readonly Candidate[]): Candidate[][] {
  const rows: Candidate[][] = [];
  for (const candidate of candidates.toSorted((a, b) => a.segment.baseline - b.segment.baseline)) {
    const before = rows.at(-1)?.at(-1)?.segment;
    const { baseline, size } = candidate.segment;
    if (before && baseline - before.baseline < 0.3 * size) rows.at(-1)!.push(candidate);
    else rows.push([candidate]);
  }
  return rows;
}
