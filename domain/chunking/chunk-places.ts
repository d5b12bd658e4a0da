import type { Heading, PageStart } from './text-structure.ts';
import { firstAtLeast } from './tokenized-text.ts';

/** From `start` on this page and these headings hold; a page is null in a text without pages. */
export interface ChunkPlace {
  readonly start: number;
  readonly page: number | null;
  readonly pageLabel: string | null;
  /** Titles of the headings above, outermost first. */
  readonly headings: readonly string[];
}

/** Tells on which page and under which headings parts of a text stand. */
export class PlaceFinder {
  private readonly headingStarts: number[];
  private readonly paths: (readonly string[])[] = [];
  private readonly pages: readonly PageStart[];
  private readonly pageStarts: number[];

  constructor(headings: readonly Heading[], pages: readonly PageStart[]) {
    this.headingStarts = headings.map((heading) => heading.position);
    this.pages = pages;
    this.pageStarts = pages.map((page) => page.start);
    let open: Heading[] = [];
    for (const heading of headings) {
      open = [...open.filter((above) => above.level < heading.level), heading];
      this.paths.push(open.map((above) => above.title).filter((title) => title !== ''));
    }
  }

  /** The places of [start, end), at least one: the first begins at `start`, the others where page or headings change. */
  within(start: number, end: number): ChunkPlace[] {
    const changes = new Set([start]);
    for (const starts of [this.headingStarts, this.pageStarts]) {
      for (let index = firstAtLeast(starts, start + 1); index < starts.length && starts[index]! < end; index += 1)
        changes.add(starts[index]!);
    }
    return [...changes].sort((one, other) => one - other).map((position) => this.at(position));
  }

  /** The place of one position. */
  at(position: number): ChunkPlace {
    // Before its first page's begin a text is on that page.
    const page = this.pages[Math.max(0, firstAtLeast(this.pageStarts, position + 1) - 1)];
    return {
      start: position,
      page: page?.number ?? null,
      pageLabel: page?.label ?? null,
      headings: this.paths[firstAtLeast(this.headingStarts, position + 1) - 1] ?? [],
    };
  }
}
