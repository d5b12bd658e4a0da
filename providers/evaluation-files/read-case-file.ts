import { parse } from 'csv-parse/sync';
import { PerdureError } from '../../contracts/errors.ts';
import { givenCaseSchema, mostCases, type GivenCase } from '../../contracts/evaluation-case.ts';
import { caseOfRow } from '../../domain/evaluations/case-of-row.ts';
import { decodeBytes } from '../parsers/encoding/decode-bytes.ts';
import { openWorkbook } from '../parsers/formats/xlsx/open-workbook.ts';
import { readSheet } from '../parsers/formats/xlsx/read-sheet.ts';

/** A file as it was sent. */
export type CaseFile = { bytes: Uint8Array; name: string | null; mediaType: string | null };

/** A row with the line of the file on which it begins. */
type Row = { line: number; values: Record<string, unknown> };

const mostMistakes = 20;
const limits = { outputCharacters: 64_000_000, unpackedBytes: 128 * 1024 * 1024, archiveMembers: 1000 };
const workbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet';

/**
 * Reads the cases of a CSV, TSV, JSONL or XLSX file (its first sheet with cells), all or none.
 * @throws PerdureError `bad_request` with the line and the column of each mistake, up to twenty.
 */
export function readCaseFile(file: CaseFile): { cases: GivenCase[]; format: string } {
  const format = formatOf(file);
  const rows = format === 'xlsx' ? readWorkbook(file.bytes) : format === 'jsonl' ? readLines(file) : readTable(file);
  if (rows.length === 0) throw refused([{ path: 'file', message: 'holds no cases' }]);
  if (rows.length > mostCases)
    throw refused([{ path: 'file', message: `holds ${rows.length} cases; ${mostCases} is the most` }]);
  const mistakes: { path: string; message: string }[] = [];
  const cases: GivenCase[] = [];
  for (const { line, values } of rows) {
    const read = caseOfRow(values);
    if ('mistakes' in read) {
      for (const { column, message } of read.mistakes) mistakes.push({ path: `line ${line}, ${column}`, message });
      continue;
    }
    const checked = givenCaseSchema.safeParse(read.given);
    if (checked.success) cases.push(checked.data);
    else
      for (const { path, message } of checked.error.issues)
        mistakes.push({ path: [`line ${line}`, path.join('.')].filter((part) => part !== '').join(', '), message });
    if (mistakes.length >= mostMistakes) break;
  }
  if (mistakes.length > 0) throw refused(mistakes.slice(0, mostMistakes));
  return { cases, format };
}

function formatOf({ bytes, name, mediaType }: CaseFile): 'xlsx' | 'jsonl' | 'csv' | 'tsv' {
  const ending = /\.(\w+)$/.exec(name ?? '')?.[1]?.toLowerCase();
  const type = mediaType?.split(';')[0]?.trim();
  // Every workbook is a zip archive, and no text begins so.
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return 'xlsx';
  if (ending === 'xlsx' || type === workbookType) throw refused([{ path: 'file', message: 'is no XLSX workbook' }]);
  if (ending === 'tsv' || type === 'text/tab-separated-values') return 'tsv';
  if (ending === 'csv' || type === 'text/csv') return 'csv';
  if (ending === 'jsonl' || ending === 'ndjson' || /ndjson|jsonl/.test(type ?? '')) return 'jsonl';
  return /^[\s\uFEFF]*\{/.test(Buffer.from(bytes.subarray(0, 64)).toString('utf8')) ? 'jsonl' : 'csv';
}

function textOf({ bytes }: CaseFile): string {
  const { text, charset, warnings } = decodeBytes(bytes);
  if (warnings.length > 0)
    throw refused([{ path: 'file', message: `has an encoding that is not certain (${charset}): save it as UTF-8` }]);
  return text;
}

function readLines(file: CaseFile): Row[] {
  const mistakes: { path: string; message: string }[] = [];
  const rows: Row[] = [];
  for (const [index, text] of textOf(file).split(/\r?\n/).entries()) {
    if (text.trim() === '') continue;
    try {
      const values: unknown = JSON.parse(text);
      if (typeof values !== 'object' || values === null || Array.isArray(values)) throw new SyntaxError('no object');
      rows.push({ line: index + 1, values: values as Record<string, unknown> });
    } catch {
      mistakes.push({ path: `line ${index + 1}`, message: 'must be one JSON object' });
    }
    if (mistakes.length >= mostMistakes) break;
  }
  if (mistakes.length > 0) throw refused(mistakes);
  return rows;
}

function readTable(file: CaseFile): Row[] {
  const text = textOf(file);
  const [first = ''] = text.split(/\r?\n/, 1);
  const semicolons = first.split(';').length > first.split(',').length;
  try {
    const records = parse(text, {
      delimiter: formatOf(file) === 'tsv' ? '\t' : semicolons ? ';' : ',',
      columns: (names: string[]) => requireNames(names),
      skip_empty_lines: true,
      info: true,
    }) as unknown as { record: Record<string, unknown>; info: { lines: number } }[];
    // The parser names the line on which a record ends; one whose cells hold line breaks began above.
    return records.map(({ record, info }) => ({
      line: info.lines - Object.values(record).reduce((sum: number, cell) => sum + breaksIn(cell), 0),
      values: record,
    }));
  } catch (error) {
    if (error instanceof PerdureError) throw error;
    const { lines, message } = error as { lines?: number; message: string };
    throw refused([{ path: `line ${lines ?? 1}`, message: message.replaceAll(/\s+/g, ' ').slice(0, 300) }]);
  }
}

function breaksIn(cell: unknown): number {
  return typeof cell === 'string' ? cell.split(/\r?\n/).length - 1 : 0;
}

function readWorkbook(bytes: Uint8Array): Row[] {
  const { office, sheets, strings, formats } = openWorkbook(bytes, limits);
  for (const { part } of sheets) {
    const content = part === null ? null : office.bytes(part);
    if (content === null) continue;
    let names: Map<number, string> | null = null;
    const rows: Row[] = [];
    readSheet(content, { strings, formats }, (row, line) => {
      if (names === null) {
        const columns = [...row].map(([column, { text }]) => [column, text] as const);
        requireNames(columns.map(([, name]) => name));
        names = new Map(columns);
        return;
      }
      const values: Record<string, unknown> = {};
      for (const [column, { text }] of row) values[names.get(column) ?? `column ${column + 1}`] = text;
      rows.push({ line, values });
    });
    if (names !== null) return rows;
  }
  return [];
}

function requireNames(names: string[]): string[] {
  const seen = new Set<string>();
  for (const name of names) {
    const folded = name.trim().toLowerCase();
    if (seen.has(folded)) throw refused([{ path: 'line 1', message: `the column "${name}" is there twice` }]);
    seen.add(folded);
  }
  return names;
}

function refused(errors: { path: string; message: string }[]): PerdureError {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new PerdureError('bad_request', `The file cannot be taken over: ${first?.path}: ${first?.message}${more}.`, {
    errors,
  });
}
