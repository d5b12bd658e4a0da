import { parse } from 'csv-parse';
import { PerdureError } from '../../../contracts/errors.ts';
import type { DocumentWarning } from '../../../contracts/names/document-warnings.ts';
import type { ParsedDocument, ParseInput, TextParser } from '../document-parser.ts';
import { tableRow } from '../formats/markdown-table.ts';

const separators = [',', ';', '\t', '|'];
const lookedAt = 65_536;
const numeric = /^[-+(]?[\d.,\s]+[%)]?$/;

/** Rows of a CSV or TSV file as one Markdown table; a first row of figures is no header, so its columns are numbered. */
export const csvParser: TextParser = {
  reads: 'text',
  async parse(text, input) {
    try {
      return await read(text, input, '"');
    } catch (error) {
      if (!isUnclosedQuote(error)) throw error;
      const detail = 'A quotation mark is never closed; quotation marks were read as they stand.';
      return read(text, input, null, [{ code: 'unreadable_part', detail }]);
    }
  },
};

async function read(
  text: string,
  { mimeType, limits }: ParseInput,
  quote: string | null,
  warnings: DocumentWarning[] = [],
): Promise<ParsedDocument> {
  // A line for Excel alone: it names the separator, and is none of the rows.
  const [named, separator] = /^sep=(.)(?:\r\n|\r|\n)/i.exec(text) ?? [''];
  const rows = text.slice(named.length);
  const parser = parse({
    delimiter: separator ?? (mimeType === 'text/tab-separated-values' ? '\t' : findSeparator(rows)),
    quote,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: 4 * 1024 * 1024,
  });
  parser.end(rows);
  const lines: string[] = [];
  let length = 0;
  let columns = 0;
  for await (const record of parser as AsyncIterable<string[]>) {
    if (lines.length === 0) {
      columns = record.length;
      const header = isHeader(record) ? record : record.map((_, index) => `Column ${index + 1}`);
      if (columns > 1) lines.push(tableRow(header), tableRow(record.map(() => '---')));
      if (columns > 1 && header === record) continue;
    }
    const line = columns > 1 ? tableRow(record) : record.join(' ').trim();
    length += line.length + 1;
    if (length > limits.outputCharacters) {
      throw new PerdureError(
        'parser_output_too_large',
        `The table has more than ${limits.outputCharacters} characters.`,
      );
    }
    lines.push(line);
  }
  const facts = { title: null, language: null, pages: [], boundaries: null };
  return { text: lines.length === 0 ? '' : `${lines.join('\n')}\n`, format: 'markdown', mimeType, ...facts, warnings };
}

/** The separator that splits the first lines into as many cells as the very first, and into the most. */
function findSeparator(text: string): string {
  const lines = text
    .slice(0, lookedAt)
    .split(/\r?\n|\r/, 50)
    .filter((line) => line.trim() !== '');
  let best = { separator: ',', score: 0 };
  for (const separator of separators) {
    const counts = lines.map((line) => unquoted(line).split(separator).length);
    const usual = counts[0] ?? 1;
    const equal = counts.filter((count) => count === usual).length / Math.max(1, counts.length);
    const score = usual > 1 ? equal * Math.min(usual, 20) : 0;
    if (score > best.score) best = { separator, score };
  }
  return best.separator;
}

function unquoted(line: string): string {
  return line.replaceAll(/"(?:[^"]|"")*"/g, '');
}

function isHeader(record: readonly string[]): boolean {
  return (
    record.every((cell) => !numeric.test(cell.trim()) || cell.trim() === '') &&
    record.some((cell) => cell.trim() !== '')
  );
}

function isUnclosedQuote(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === 'CSV_QUOTE_NOT_CLOSED' || code === 'CSV_MAX_RECORD_SIZE' || code === 'CSV_INVALID_CLOSING_QUOTE';
}
