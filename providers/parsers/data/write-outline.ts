import { tableRow } from '../formats/markdown-table.ts';

/** Any value of JSON. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

type JsonRecord = { [key: string]: JsonValue };

const deepestHeading = 6;
const widestTable = 30;

/**
 * Writes a value so that it reads, and its keys stay its structure: a key with parts of its own is a heading, one with a
 * plain value an item, records of the same keys are a table.
 */
export function writeOutline(value: JsonValue): string {
  const lines: string[] = [];
  write(lines, value, 1);
  const text = lines
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim();
  return text === '' ? '' : `${text}\n`;
}

function write(lines: string[], value: JsonValue, level: number): void {
  if (isPlain(value)) lines.push(plain(value));
  else if (Array.isArray(value)) writeList(lines, value, level);
  else writeRecord(lines, value, level);
}

/** Plain values first: after the heading of a part they would read as belonging to that part. */
function writeRecord(lines: string[], record: JsonRecord, level: number): void {
  const entries = Object.entries(record);
  for (const [key, value] of entries) if (isInline(value)) lines.push(`- ${key}: ${inline(value)}`);
  for (const [key, value] of entries) {
    if (isInline(value)) continue;
    lines.push('', `${'#'.repeat(Math.min(level, deepestHeading))} ${key}`, '');
    write(lines, value, level + 1);
  }
}

function writeList(lines: string[], list: readonly JsonValue[], level: number): void {
  const columns = tableColumns(list);
  if (columns) {
    lines.push(tableRow(columns), tableRow(columns.map(() => '---')));
    for (const record of list as JsonRecord[]) lines.push(tableRow(columns.map((key) => inline(record[key] ?? null))));
    return;
  }
  for (const [index, value] of list.entries()) {
    if (isInline(value)) lines.push(`- ${inline(value)}`);
    else if (isFlat(value)) lines.push(`- ${entriesOf(value)}`);
    else {
      lines.push('', `${'#'.repeat(Math.min(level, deepestHeading))} ${nameOf(value) ?? index + 1}`, '');
      write(lines, value, level + 1);
    }
  }
}

/** The keys of two or more records that all have the same plain ones, else null. */
function tableColumns(list: readonly JsonValue[]): string[] | null {
  const [first] = list;
  if (list.length < 2 || first === undefined || !isFlat(first)) return null;
  const columns = Object.keys(first);
  if (columns.length < 2 || columns.length > widestTable) return null;
  const known = new Set(columns);
  const alike = list.every((value) => isFlat(value) && Object.keys(value).every((key) => known.has(key)));
  return alike ? columns : null;
}

function isPlain(value: JsonValue): value is string | number | boolean | null {
  return value === null || typeof value !== 'object';
}

/** A plain value, or a short list of them. */
function isInline(value: JsonValue): boolean {
  return (
    isPlain(value) ||
    (Array.isArray(value) && value.length <= 100 && value.every((item) => isPlain(item) && plain(item).length < 80))
  );
}

function isFlat(value: JsonValue): value is JsonRecord {
  return !isPlain(value) && !Array.isArray(value) && Object.values(value).every((item) => isInline(item));
}

function inline(value: JsonValue): string {
  const text = Array.isArray(value) ? value.map((item) => plain(item as string)).join(', ') : plain(value as string);
  // A further line of an item is indented, or it would end the list.
  return text.trim().replaceAll(/\r\n?|\n/g, '\n  ');
}

function plain(value: string | number | boolean | null): string {
  return value === null ? '' : String(value);
}

function entriesOf(record: JsonRecord): string {
  return Object.entries(record)
    .map(([key, value]) => `${key}: ${inline(value)}`)
    .join('; ');
}

/** What a record calls itself. */
function nameOf(value: JsonValue): string | null {
  if (isPlain(value) || Array.isArray(value)) return null;
  const name = ['title', 'name', 'label', 'id', 'key']
    .map((key) => value[key])
    .find((item) => item !== undefined && item !== null && isPlain(item));
  return name === undefined || name === '' ? null : String(name).split('\n', 1)[0]!.slice(0, 120);
}
