import type { Heading } from './text-structure.ts';

/**
 * Returns a function from a position to the titles of the headings above it, outermost first. Positions must be asked
 * for in ascending order; all calls together take one pass over the headings.
 */
export function headingPaths(headings: readonly Heading[]): (position: number) => readonly string[] {
  let next = 0;
  let open: Heading[] = [];
  let path: readonly string[] = [];
  return (position) => {
    const before = next;
    while (next < headings.length && headings[next]!.position <= position) {
      const heading = headings[next]!;
      open = [...open.filter((above) => above.level < heading.level), heading];
      next += 1;
    }
    if (next !== before) path = open.map((heading) => heading.title).filter((title) => title !== '');
    return path;
  };
}
