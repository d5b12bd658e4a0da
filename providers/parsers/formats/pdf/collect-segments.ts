import { needsSpace } from './join-text.ts';
import type { Row, TextRun } from './page-run.ts';

// In parts of the font's height: wider than a space is a gap between columns or cells.
const widestSpace = 1;
const narrowestSpace = 0.15;

// What stands before an item, and how far the item may be set in.
const itemMark = /^(?:[•▪▫‣◦●○■□–—➢➤✓✔\u2043\uf0b7\uf0a7\uf0d8*-]|o|\(?(?:\d{1,2}|[a-z]|[ivx]{1,4})[.)])$/iu;
const widestAfterMark = 4;

/** Joins runs that were drawn one after the other on one line, so that a segment is a line of a column or a cell. */
export function collectSegments(runs: readonly TextRun[]): TextRun[] {
  const segments: TextRun[] = [];
  let spaced = false;
  for (const run of runs) {
    if (run.text.trim() === '') {
      spaced = true;
      continue;
    }
    const last = segments.at(-1);
    if (last !== undefined && follows(last, run, widestSpace)) segments[segments.length - 1] = join(last, run, spaced);
    else segments.push(run);
    spaced = false;
  }
  return segments;
}

/** The rows of a column from top to bottom, their segments joined where only a space is between them. */
export function buildRows(segments: readonly TextRun[]): Row[] {
  const rows: TextRun[][] = [];
  for (const segment of [...segments].sort((a, b) => a.baseline - b.baseline)) {
    const row = rows.at(-1);
    if (row !== undefined && row.some((other) => onOneLine(other, segment))) row.push(segment);
    else rows.push([segment]);
  }
  return rows.map(toRow).filter((row) => row.segments.length > 0);
}

function toRow(segments: TextRun[]): Row {
  const joined: TextRun[] = [];
  for (const segment of segments.sort((a, b) => a.left - b.left)) {
    const last = joined.at(-1);
    const afterMark = joined.length === 1 && itemMark.test(last?.text.trim() ?? '');
    if (last !== undefined && follows(last, segment, afterMark ? widestAfterMark : widestSpace)) {
      joined[joined.length - 1] = joinBySide(last, segment);
    } else joined.push(segment);
  }
  const main = joined.reduce((longest, segment) => (segment.text.length > longest.text.length ? segment : longest));
  return {
    segments: joined,
    left: joined[0]?.left ?? 0,
    right: joined.reduce((most, { right }) => Math.max(most, right), Number.NEGATIVE_INFINITY),
    baseline: main.baseline,
    size: main.size,
  };
}

/** Whether most of the lower one of two stands beside the other. */
function onOneLine(a: TextRun, b: TextRun): boolean {
  const overlap =
    Math.min(a.baseline + a.size * 0.2, b.baseline + b.size * 0.2) -
    Math.max(a.baseline - a.size * 0.75, b.baseline - b.size * 0.75);
  return overlap > 0.55 * Math.min(a.size, b.size);
}

function follows(before: TextRun, after: TextRun, widest: number): boolean {
  if (!onOneLine(before, after)) return false;
  const size = Math.max(before.size, after.size);
  const gap =
    before.rightToLeft && after.rightToLeft && after.left < before.left
      ? before.left - after.right
      : after.left - before.right;
  return gap < widest * size && gap > -0.6 * size;
}

function join(before: TextRun, after: TextRun, spaced: boolean): TextRun {
  const size = Math.max(before.size, after.size);
  const leftwards = after.left < before.left;
  const gap = leftwards ? before.left - after.right : after.left - before.right;
  const apart = (spaced || gap > narrowestSpace * size) && needsSpace(before.text, after.text);
  const main = after.text.length > before.text.length ? after : before;
  return {
    text: `${before.text}${apart ? ' ' : ''}${after.text}`,
    left: Math.min(before.left, after.left),
    right: Math.max(before.right, after.right),
    baseline: main.baseline,
    size: main.size,
    bold: before.bold && after.bold,
    monospaced: before.monospaced && after.monospaced,
    rightToLeft: main.rightToLeft,
    turned: main.turned,
  };
}

/** Joins neighbours on a row: the one on the right comes first where the text runs from right to left. */
function joinBySide(left: TextRun, right: TextRun): TextRun {
  return left.rightToLeft && right.rightToLeft ? join(right, left, false) : join(left, right, false);
}
