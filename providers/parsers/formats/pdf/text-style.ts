import type { TextRun } from './page-run.ts';

/** Which sizes are those of headings, in a document whose body has another one. */
export interface TextStyle {
  readonly bodySize: number;
  /** From the largest, rounded as `roundSize` does; the first is that of headings of level 1. */
  readonly headingSizes: readonly number[];
  /** Whether bold lines stand out: not in a document that is mostly bold. */
  readonly boldStandsOut: boolean;
}

// A reader takes a line for a heading from about this on.
const clearlyLarger = 1.12;

// More levels than these are title pages and drawings.
const mostLevels = 4;

/** Sizes that look the same are the same. */
export function roundSize(size: number): number {
  return Math.round(size * 2) / 2;
}

/** Finds the size of the body, the one with most letters, and the larger ones that are rare enough to be headings. */
export function findTextStyle(runs: Iterable<TextRun>): TextStyle {
  const letters = new Map<number, number>();
  let bold = 0;
  let all = 0;
  for (const run of runs) {
    if (run.turned) continue;
    const size = roundSize(run.size);
    letters.set(size, (letters.get(size) ?? 0) + run.text.length);
    all += run.text.length;
    if (run.bold) bold += run.text.length;
  }
  const [bodySize] = [...letters].reduce((most, entry) => (entry[1] > most[1] ? entry : most), [0, 0]);
  const larger = [...letters].filter(([size, count]) => size > bodySize * clearlyLarger && count < all / 4);
  const headingSizes = larger.map(([size]) => size).sort((a, b) => b - a);
  return { bodySize, headingSizes: headingSizes.slice(0, mostLevels), boldStandsOut: bold < all * 0.35 };
}
