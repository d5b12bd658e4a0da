import { collectSegments } from './collect-segments.ts';
import type { PageContent, TextRun } from './page-run.ts';
import { roundSize } from './text-style.ts';

// Parts of the page's height at its top and its bottom where running lines stand.
const marginal = 0.12;
const fewestPages = 3;
const pageNumber = /^(?:\p{L}{1,8}\.?\s*)?[-–—|\s]*#[-–—|\s]*(?:(?:of|von|de|\/)\s*#)?$/iu;

/** The segments of each page, and what was taken from them because it only repeats, each once. */
export interface PagesWithoutRunningLines {
  readonly segments: TextRun[][];
  readonly runningLines: string[];
}

/**
 * Takes page numbers, headers and footers from the pages, so that none of them stands in the middle of a sentence that
 * goes on over the page. Of headers and footers each different one is kept apart.
 */
export function dropRunningLines(pages: readonly PageContent[]): PagesWithoutRunningLines {
  const all = pages.map(({ runs }) => collectSegments(runs));
  const counts = new Map<string, number>();
  for (const [index, page] of pages.entries()) {
    const keys = new Set((all[index] ?? []).flatMap((segment) => keyOf(segment, page) ?? []));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const enough = Math.max(fewestPages, pages.length * 0.3);
  const running = new Map<string, string>();
  const segments = all.map((list, index) =>
    list.filter((segment) => {
      const page = pages[index];
      const key = page === undefined ? null : keyOf(segment, page);
      if (key === null) return true;
      const count = counts.get(key) ?? 0;
      const isNumber = pageNumber.test(labelOf(segment));
      if (count < (isNumber ? 2 : enough)) return true;
      if (!isNumber && !running.has(key)) running.set(key, segment.text.trim());
      return false;
    }),
  );
  return { segments, runningLines: [...new Set(running.values())] };
}

/** What is the same on each page: where it stands, how large, and its text without numbers. Null amid the page. */
function keyOf(segment: TextRun, { height, number }: PageContent): string | null {
  const { baseline, size, text } = segment;
  if (baseline - size >= marginal * height && baseline < (1 - marginal) * height) return null;
  const label = labelOf(segment);
  // A page's number grows with the pages; a figure of a table that reaches the margin does not.
  const ahead = pageNumber.test(label) ? Number(/\d+/.exec(text)?.[0]) - number : '';
  return [Math.round(baseline / 4), roundSize(size), ahead, label].join(' ');
}

function labelOf({ text }: TextRun): string {
  return text.replaceAll(/\d+/g, '#').replaceAll(/\s+/g, ' ').trim();
}
