import type { TextRun } from './page-run.ts';

// A page of more than eight columns is a table.
const deepest = 3;
const mostGutters = 80;
const fewestLines = 3;
const fewestLinesOfHalf = 12;

/** Part of a page from top to bottom: either what spans the gutter, or the lines on its two sides. */
interface Band {
  readonly spanning: boolean;
  readonly segments: TextRun[];
}

/**
 * Splits a page into regions in reading order, each of them one column: a heading over two columns comes before them, the
 * left column before the right one. Cells of tables are not taken for columns, because they do not fill theirs.
 */
export function orderColumns(segments: readonly TextRun[], depth = 0): TextRun[][] {
  const sorted = [...segments].sort((a, b) => a.baseline - b.baseline);
  const gutter = depth < deepest ? bestGutter(sorted) : null;
  if (gutter === null) return sorted.length === 0 ? [] : [sorted];
  const regions: TextRun[][] = [];
  let single: TextRun[] = [];
  const flush = (): void => {
    if (single.length > 0) regions.push(...(depth + 1 < deepest ? orderColumns(single, depth + 1) : [single]));
    single = [];
  };
  for (const band of bandsAt(sorted, gutter)) {
    const sides = band.spanning ? null : sidesOf(band, gutter);
    if (sides === null || columnLetters(sides) === 0) {
      single.push(...band.segments);
      continue;
    }
    flush();
    // Text from right to left begins on the right.
    const rightFirst = band.segments.filter(({ rightToLeft }) => rightToLeft).length > band.segments.length / 2;
    for (const side of rightFirst ? sides.toReversed() : sides) regions.push(...orderColumns(side, depth + 1));
  }
  flush();
  return regions;
}

/** The x between two columns that parts most text; null if there is none. */
function bestGutter(sorted: readonly TextRun[]): number | null {
  if (sorted.length < fewestLines * 2) return null;
  const lefts = new Set(sorted.map(({ left }) => Math.floor(left) - 1));
  const candidates = [...lefts].sort((a, b) => a - b);
  const stride = Math.max(1, Math.ceil(candidates.length / mostGutters));
  let best: { x: number; letters: number } | null = null;
  for (let index = 0; index < candidates.length; index += stride) {
    const x = candidates[index] ?? 0;
    let letters = 0;
    for (const band of bandsAt(sorted, x)) {
      if (!band.spanning) letters += columnLetters(sidesOf(band, x));
    }
    if (letters > (best?.letters ?? 0)) best = { x, letters };
  }
  return best?.x ?? null;
}

function bandsAt(sorted: readonly TextRun[], x: number): Band[] {
  const bands: Band[] = [];
  for (const segment of sorted) {
    const spanning = segment.left < x - 1 && segment.right > x + 1;
    const last = bands.at(-1);
    if (last?.spanning === spanning) last.segments.push(segment);
    else bands.push({ spanning, segments: [segment] });
  }
  return bands;
}

function sidesOf({ segments }: Band, x: number): [TextRun[], TextRun[]] {
  const left = segments.filter((segment) => segment.left < x);
  return [left, segments.filter((segment) => segment.left >= x)];
}

/** How many letters two columns hold; 0 if they are none, such as those of a table or a list of names and values. */
function columnLetters([left, right]: [TextRun[], TextRun[]]): number {
  if (left.length < fewestLines || right.length < fewestLines) return 0;
  const isText = (side: readonly TextRun[]) => isProse(side) || areColumnsOfProse(side);
  if (!(isText(left) && isText(right)) && !areHalves(left, right)) return 0;
  const [top, bottom] = [Math.max(topOf(left), topOf(right)), Math.min(bottomOf(left), bottomOf(right))];
  if (bottom - top < fewestLines * (left[0]?.size ?? 0)) return 0;
  return lettersOf(left) + lettersOf(right);
}

/** Whether most lines fill the column. */
function isProse(column: readonly TextRun[]): boolean {
  const full = fullLines(column);
  return full.length >= 0.5 * column.length && widthOf(column) > 8 * (column[0]?.size ?? 1);
}

/**
 * Whether one side is columns of prose again, as where a page has three: lines that begin in the same places and go on from
 * one to the next, which cells of a table do not.
 */
function areColumnsOfProse(side: readonly TextRun[]): boolean {
  const size = side[0]?.size ?? 1;
  const columns = [...Map.groupBy(side, ({ left }) => Math.round(left / size)).values()].filter(
    (column) => column.length >= fewestLines,
  );
  const lines = columns.reduce((sum, column) => sum + column.length, 0);
  if (columns.length < 2 || lines < 0.8 * side.length) return false;
  return columns.every((column) => {
    const goingOn = column.filter(({ text }) => /^\s*\p{Ll}/u.test(text)).length;
    return isProse(column) && widthOf(column) > 10 * size && goingOn >= 0.4 * column.length;
  });
}

/** Whether two halves of a page have a wide gutter between them from top to bottom, whatever is in them. */
function areHalves(left: readonly TextRun[], right: readonly TextRun[]): boolean {
  const gutter = leftOf(right) - rightOf(left);
  const narrower = Math.min(widthOf(left), widthOf(right));
  if (Math.min(left.length, right.length) < fewestLinesOfHalf || gutter < 2.5 * (left[0]?.size ?? 1)) return false;
  if (narrower < 0.3 * (rightOf(right) - leftOf(left))) return false;
  return [left, right].every((side) => lettersOf(fullLines(side)) >= 0.5 * lettersOf(side));
}

function fullLines(column: readonly TextRun[]): TextRun[] {
  const width = widthOf(column);
  return column.filter(({ left, right }) => right - left > 0.6 * width);
}

function widthOf(column: readonly TextRun[]): number {
  return rightOf(column) - leftOf(column);
}

function leftOf(column: readonly TextRun[]): number {
  return column.reduce((least, { left }) => Math.min(least, left), Number.POSITIVE_INFINITY);
}

function rightOf(column: readonly TextRun[]): number {
  return column.reduce((most, { right }) => Math.max(most, right), Number.NEGATIVE_INFINITY);
}

function lettersOf(segments: readonly TextRun[]): number {
  return segments.reduce((sum, { text }) => sum + text.length, 0);
}

function topOf(column: readonly TextRun[]): number {
  return column.reduce((least, { baseline }) => Math.min(least, baseline), Number.POSITIVE_INFINITY);
}

function bottomOf(column: readonly TextRun[]): number {
  return column.reduce((most, { baseline }) => Math.max(most, baseline), Number.NEGATIVE_INFINITY);
}
