import { collectSegments } from './collect-segments.ts';
import type { PageContent, TextRun } from './page-run.ts';

// Parts of the page's height at its top and its bottom where running lines stand.
const marginal = 0.12;
const fewestPages = 3;
const pageNumber = /^(?:\p{L}{1,8}\.?\s*)?[-–—|\s]*#[-–—|\s]*(?:(?:of|von|de|\/)\s*#)?$|^[ivxl]{1,6}$/iu;

/**
 * The segments of each page without what only repeats: page numbers, and headers and footers but for their first
 * occurrence, so that none of them stands in the middle of a sentence that goes on over the page.
 */
export function dropRunningLines(pages: readonly PageContent[]): TextRun[][] {
  const segments = pages.map(({ runs }) => collectSegments(runs));
  const counts = new Map<string, number>();
  for (const [index, page] of pages.entries()) {
    const keys = new Set((segments[index] ?? []).flatMap((segment) => keyOf(segment, page) ?? []));
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const enough = Math.max(fewestPages, pages.length * 0.3);
  const shown = new Set<string>();
  return segments.map((list, index) =>
    list.filter((segment) => {
      const page = pages[index];
      const key = page === undefined ? null : keyOf(segment, page);
      if (key === null) return true;
      const label = key.slice(key.indexOf(' ') + 1);
      if (pages.length > 1 && pageNumber.test(label) && (counts.get(key) ?? 0) >= Math.min(enough, 2)) return false;
      if ((counts.get(key) ?? 0) < enough) return true;
      if (pageNumber.test(label) || shown.has(key)) return false;
      shown.add(key);
      return true;
    }),
  );
}

/** What is the same on each page: where it stands, and its text without numbers. Null in the middle of the page. */
function keyOf({ text, baseline, size }: TextRun, { height }: PageContent): string | null {
  const top = baseline - size < marginal * height;
  if (!top && baseline < (1 - marginal) * height) return null;
  return `${top ? 'top' : 'bottom'} ${text.replaceAll(/\d+/g, '#').replaceAll(/\s+/g, ' ').trim()}`;
}
