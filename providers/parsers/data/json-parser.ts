import { countOf } from '../../../contracts/names/count-of.ts';
import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import type { ParsedDocument, TextParser } from '../document-parser.ts';
import { writeOutline } from './write-outline.ts';
import type { JsonValue } from './write-outline.ts';

const facts = { language: null, pages: [], boundaries: null };

/** JSON, or one value a line, as an outline of its keys; what is no JSON stays as it stands, with a warning. */
export const jsonParser: TextParser = {
  reads: 'text',
  parse(text, { mimeType }): ParsedDocument {
    const read = mimeType === 'application/x-ndjson' ? readLines(text) : readWhole(text);
    if (read === null) {
      const detail = 'The document is said to be JSON, but is not valid; it was read as plain text.';
      return {
        text,
        format: 'text',
        mimeType: 'text/plain',
        title: null,
        ...facts,
        warnings: [{ code: 'type_mismatch', detail }],
      };
    }
    const { value, warnings } = read;
    const title = value !== null && typeof value === 'object' && 'title' in value ? value.title : null;
    return {
      text: writeOutline(value),
      format: 'markdown',
      mimeType: read.lines ? 'application/x-ndjson' : 'application/json',
      title: typeof title === 'string' ? title : null,
      ...facts,
      warnings,
    };
  },
};

type ReadJson = { value: JsonValue; lines: boolean; warnings: DocumentWarning[] };

function readWhole(text: string): ReadJson | null {
  const value = parse(text);
  return value === undefined ? readLines(text) : { value, lines: false, warnings: repeatedKeys(text, value) };
}

const stringsAndKeys = /"(?:[^"\\]|\\.)*"(\s*:)?/g;

/** JSON allows a key to stand twice in an object, and every reader keeps the last of its values. */
function repeatedKeys(text: string, value: JsonValue): DocumentWarning[] {
  let written = 0;
  for (const [, colon] of text.matchAll(stringsAndKeys)) if (colon !== undefined) written += 1;
  const lost = written - countKeys(value);
  if (lost <= 0) return [];
  const detail = `A key that stands twice in an object has its last value alone: ${countOf(lost, 'value')} left out.`;
  return [{ code: 'partial_text', detail }];
}

function countKeys(root: JsonValue): number {
  let count = 0;
  for (const waiting: JsonValue[] = [root]; waiting.length > 0;) {
    const value = waiting.pop()!;
    if (value === null || typeof value !== 'object') continue;
    const values = Object.values(value);
    if (!Array.isArray(value)) count += values.length;
    for (const inner of values) if (inner !== null && typeof inner === 'object') waiting.push(inner);
  }
  return count;
}

function readLines(text: string): ReadJson | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const values = lines.map(parse);
  const list = values.filter((value) => value !== undefined);
  const failed = lines.length - list.length;
  if (list.length === 0 || failed > list.length / 10) {
    const whole = parse(text);
    return whole === undefined ? null : { value: whole, lines: false, warnings: [] };
  }
  const detail = `${countOf(failed, 'line')} of ${lines.length} that are not valid JSON were left out.`;
  return { value: list, lines: true, warnings: failed > 0 ? [{ code: 'unreadable_part', detail }] : [] };
}

/** A parsed value, undefined if it is none. Numbers that would lose digits stay as they are written. */
function parse(text: string): JsonValue | undefined {
  try {
    return /\d{16}/.test(text) ? JSON.parse(text, keepDigits) : (JSON.parse(text) as JsonValue);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function keepDigits(_key: string, value: JsonValue, context?: { source?: string }): JsonValue {
  return typeof value === 'number' && context?.source !== undefined ? context.source : value;
}
