import type { Row, TextRun } from './page-run.ts';

/** Rows of text, or the cells of a table; rows of a cell that was wrapped are joined. */
export type RowGroup = { readonly rows: readonly Row[] } | { readonly cells: readonly (readonly string[])[] };

interface Column {
  left: number;
  right: number;
}

// A cell longer than this on average is a line of prose beside something else.
const longestCell = 60;

/** Finds rows whose segments stand in the same columns, and makes tables of them; the other rows stay what they are. */
export function findTables(rows: readonly Row[]): RowGroup[] {
  const groups: RowGroup[] = [];
  let plain: Row[] = [];
  for (let start = 0; start < rows.length;) {
    const end = tableEnd(rows, start);
    const table = end === null ? null : toTable(rows.slice(start, end.index), end.columns);
    if (end === null || table === null) {
      plain.push(...rows.slice(start, start + 1));
      start += 1;
      continue;
    }
    if (plain.length > 0) groups.push({ rows: plain });
    plain = [];
    groups.push({ cells: table });
    start = end.index;
  }
  if (plain.length > 0) groups.push({ rows: plain });
  return groups;
}

/** Where the table that begins with a row ends, and its columns; null if none begins there. */
function tableEnd(rows: readonly Row[], start: number): { index: number; columns: Column[] } | null {
  const first = rows[start];
  if (first === undefined || first.segments.length < 2) return null;
  let columns = columnsOf([], first.segments);
  let index = start + 1;
  let lastFull = index;
  for (; index < rows.length; index += 1) {
    const row = rows[index];
    const previous = rows[index - 1];
    if (row === undefined || previous === undefined || row.baseline - previous.baseline > 3.5 * row.size) break;
    if (row.segments.length === 1) {
      // A wrapped cell; two such rows in a row end the table.
      if (index - lastFull > 1 || !withinOne(row.segments[0], columns)) break;
      continue;
    }
    const wider = columnsOf(columns, row.segments);
    if (wider.length < Math.max(2, columns.length)) break;
    columns = wider;
    lastFull = index + 1;
  }
  if (columns.length < 2) return null;
  while (endsCell(rows[lastFull], rows[lastFull - 1], columns)) lastFull += 1;
  return { index: lastFull, columns };
}

/** Whether a row that stands alone is the end of a wrapped cell: close to the row above, and flush with a later column. */
function endsCell(row: Row | undefined, above: Row | undefined, columns: readonly Column[]): boolean {
  if (row === undefined || above === undefined || row.segments.length !== 1) return false;
  if (row.baseline - above.baseline > 1.5 * row.size || !withinOne(row.segments[0], columns)) return false;
  return columns.slice(1).some(({ left }) => Math.abs(left - row.left) < 0.5 * row.size);
}

function toTable(rows: readonly Row[], columns: readonly Column[]): string[][] | null {
  const full = rows.filter(({ segments }) => segments.length > 1);
  if (full.length < (columns.length > 2 ? 2 : 3)) return null;
  const segments = rows.flatMap((row) => row.segments);
  const letters = segments.reduce((sum, { text }) => sum + text.length, 0);
  if (letters / segments.length > longestCell) return null;
  const gaps = rows.slice(1).map((row, index) => row.baseline - (rows[index]?.baseline ?? 0));
  const usual = gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? 0;
  const table: string[][] = [];
  for (const [index, row] of rows.entries()) {
    const cells = columns.map(() => '');
    for (const segment of row.segments) {
      const column = columns.findIndex(({ right }) => (segment.left + segment.right) / 2 <= right + 0.1);
      const at = column < 0 ? columns.length - 1 : column;
      cells[at] = cells[at] === '' ? segment.text : `${cells[at]} ${segment.text}`;
    }
    const last = table.at(-1);
    const isWrapped = cells[0] === '' && index > 0 && (gaps[index - 1] ?? 0) < 0.85 * usual;
    if (last !== undefined && (isWrapped || row.segments.length === 1)) {
      for (const [column, cell] of cells.entries()) last[column] = `${last[column] ?? ''} ${cell}`.trim();
    } else table.push(cells);
  }
  return table;
}

/** Columns that hold the segments too, from left to right; those that a segment bridges become one. */
function columnsOf(columns: readonly Column[], segments: readonly TextRun[]): Column[] {
  const all = [...columns, ...segments].map(({ left, right }) => ({ left, right })).sort((a, b) => a.left - b.left);
  const merged: Column[] = [];
  for (const column of all) {
    const last = merged.at(-1);
    if (last !== undefined && column.left < last.right) last.right = Math.max(last.right, column.right);
    else merged.push(column);
  }
  return merged;
}

function withinOne(segment: TextRun | undefined, columns: readonly Column[]): boolean {
  if (segment === undefined) return false;
  return columns.filter(({ left, right }) => segment.left < right && segment.right > left).length <= 1;
}
