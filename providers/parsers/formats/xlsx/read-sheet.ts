import type { CellFormats } from './cell-formats.ts';
import { readXmlEvents } from './read-xml-events.ts';
import { unescape } from './shared-strings.ts';

/** A cell as it is shown; `isText` tells words from numbers, dates and truth values. */
export interface Cell {
  readonly text: string;
  readonly isText: boolean;
}

/** The filled cells of a row by their column, from 0, in ascending order. */
export type SheetRow = ReadonlyMap<number, Cell>;

/** How many formulas a sheet has, and where those stand that were never computed. */
export interface SheetFormulas {
  readonly count: number;
  /** Those with a value other than zero: a program that does not compute writes none, or zeros. */
  readonly computed: number;
  readonly withoutValue: readonly string[];
}

/**
 * Reads the rows of a sheet one after the other, with the number of each from 1. Formulas show the value that was last
 * computed, and themselves if there is none; cells within a merged range but for its first hold nothing.
 */
export function readSheet(
  bytes: Uint8Array,
  { strings, formats }: { strings: readonly string[]; formats: CellFormats },
  onRow: (row: SheetRow, number: number) => void,
): SheetFormulas {
  const withoutValue: string[] = [];
  let count = 0;
  let computed = 0;
  let row = new Map<number, Cell>();
  let rowNumber = 0;
  let column = -1;
  let cell = emptyCell({});
  let inValue = false;
  let inFormula = false;
  readXmlEvents(bytes, {
    open(name, attributes) {
      if (name === 'x:row') {
        row = new Map();
        rowNumber = Number(attributes['r'] ?? rowNumber + 1) || rowNumber + 1;
        column = -1;
      } else if (name === 'x:c') {
        column = columnOf(attributes['r']) ?? column + 1;
        cell = emptyCell(attributes);
      }
      inValue = name === 'x:v' || name === 'x:t';
      inFormula = name === 'x:f';
      if (inFormula) cell.formula ??= '';
    },
    text(text) {
      if (inValue) cell.value += text;
      else if (inFormula) cell.formula += text;
    },
    close(name) {
      if (name === 'x:v' || name === 'x:t') inValue = false;
      if (name === 'x:f') inFormula = false;
      if (name === 'x:c') {
        if (cell.formula !== null) count += 1;
        if (cell.formula !== null && cell.value !== '' && cell.value !== '0') computed += 1;
        const shown = isUncomputed(cell)
          ? { text: cell.formula === '' ? '' : `=${cell.formula}`, isText: false }
          : show(cell, strings, formats);
        if (isUncomputed(cell)) withoutValue.push(`${columnName(column)}${rowNumber}`);
        if (shown.text.trim() !== '') row.set(column, shown);
      }
      if (name === 'x:row' && row.size > 0) onRow(row, rowNumber);
    },
  });
  return { count, computed, withoutValue };
}

interface RawCell {
  readonly type: string;
  readonly style: number;
  value: string;
  formula: string | null;
}

function emptyCell(attributes: Readonly<Record<string, string>>): RawCell {
  return { type: attributes['t'] ?? 'n', style: Number(attributes['s'] ?? 0), value: '', formula: null };
}

// A formula whose result is no text at all says that it is text.
function isUncomputed({ type, value, formula }: RawCell): boolean {
  return formula !== null && value === '' && type !== 'str';
}

function show({ type, style, value }: RawCell, strings: readonly string[], formats: CellFormats): Cell {
  if (value === '') return { text: '', isText: false };
  if (type === 's') return { text: strings[Number(value)] ?? '', isText: true };
  if (type === 'str' || type === 'inlineStr') return { text: unescape(value), isText: true };
  if (type === 'b') return { text: value === '1' ? 'TRUE' : 'FALSE', isText: false };
  if (type === 'e') return { text: value, isText: false };
  if (type === 'd') return { text: value.replace('T', ' ').replace(/ 00:00:00(?:\.0+)?Z?$/, ''), isText: false };
  const number = Number(value);
  return { text: Number.isNaN(number) ? value : formats.show(number, style), isText: false };
}

/** The letters of a column from 0. */
function columnName(column: number): string {
  const rest = Math.floor(column / 26);
  return `${rest > 0 ? columnName(rest - 1) : ''}${String.fromCodePoint(65 + (column % 26))}`;
}

/** The column of a reference such as `AB12`. */
function columnOf(reference: string | undefined): number | null {
  const letters = /^[A-Z]{1,3}/i.exec(reference ?? '')?.[0].toUpperCase();
  if (letters === undefined) return null;
  let column = 0;
  for (const letter of letters) column = column * 26 + (letter.codePointAt(0) ?? 65) - 64;
  return column - 1;
}
