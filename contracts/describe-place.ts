/** Where something stands in a document, as chunks and citations say it; older ones do not. */
export interface Place {
  readonly page?: number | null;
  readonly page_end?: number | null;
  readonly page_label?: string | null;
  readonly headings?: readonly string[];
}

/**
 * Says a place in words, as in `page 12, "3.2 Limits"`: pages, the name of a sheet or slide, the innermost heading. Empty
 * if nothing is known.
 */
export function describePlace({ page = null, page_end = null, page_label = null, headings = [] }: Place): string {
  const heading = headings.at(-1);
  const several = page_end !== null && page_end !== page;
  const pages = page === null ? null : several ? `pages ${page}–${page_end}` : `page ${page}`;
  const label = page_label === null || page_label === heading ? null : `(${page_label})`;
  const where = [pages, label].filter((part) => part !== null).join(' ');
  return [where, heading === undefined ? '' : `"${heading}"`].filter((part) => part !== '').join(', ');
}
