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

/**
 * Reads the rows of a sheet one after the other, with the number of each from 1. Formulas show the value that was last
 * computed; cells within a merged range but for its first hold nothing.
 */
export function readSheet(
  bytes: Uint8Array,
  { strings, formats }: { strings: readonly string[]; formats: CellFormats },
  onRow: (row: SheetRow, number: number) => void,
): void {
  let row = new Map<number, Cell>();
  let rowNumber = 0;
  let column = -1;
  let cell = { type: 'n', style: 0, value: '' };
  let inValue = false;
  readXmlEvents(bytes, {
    open(name, attributes) {
      if (name === 'x:row') {
        row = new Map();
        rowNumber = Number(attributes['r'] ?? rowNumber + 1) || rowNumber + 1;
        column = -1;
      } else if (name === 'x:c') {
        column = columnOf(attributes['r']) ?? column + 1;
        cell = { type: attributes['t'] ?? 'n', style: Number(attributes['s'] ?? 0), value: '' };
      }
      inValue = name === 'x:v' || name === 'x:t';
    },
    text(text) {
      if (inValue) cell.value += text;
    },
    close(name) {
      if (name === 'x:v' || name === 'x:t') inValue = false;
      if (name === 'x:c' && cell.value !== '') {
        const shown = show(cell, strings, formats);
        if (shown.text.trim() !== '') row.set(column, shown);
      }
      if (name === 'x:row' && row.size > 0) onRow(row, rowNumber);
    },
  });
}

function show(
  { type, style, value }: { type: string; style: number; value: string },
  strings: readonly string[],
  formats: CellFormats,
): Cell {
  if (type === 's') return { text: strings[Number(value)] ?? '', isText: true };
  if (type === 'str' || type === 'inlineStr') return { text: unescape(value), isText: true };
  if (type === 'b') return { text: value === '1' ? 'TRUE' : 'FALSE', isText: false };
  if (type === 'e') return { text: value, isText: false };
  if (type === 'd') return { text: value.replace('T', ' ').replace(/ 00:00:00(?:\.0+)?Z?$/, ''), isText: false };
  const number = Number(value);
  return { text: Number.isNaN(number) ? value : formats.show(number, style), isText: false };
}

/** The column of a reference such as `AB12`. */
function columnOf(reference: string | undefined): number | null {
  const letters = /^[A-Z]{1,3}/i.exec(reference ?? '')?.[0].toUpperCase();
  if (letters === undefined) return null;
  let column = 0;
  for (const letter of letters) column = column * 26 + (letter.codePointAt(0) ?? 65) - 64;
  return column - 1;
}
