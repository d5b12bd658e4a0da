import { PerdureError } from '../../../../contracts/errors.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { embeddedWarnings } from '../office/embedded-warnings.ts';
import { openWorkbook } from './open-workbook.ts';
import { readSheet } from './read-sheet.ts';
import { SheetTables } from './sheet-tables.ts';

/**
 * Workbooks (ISO/IEC 29500-1, 18): each sheet is a page that begins with its name, and holds its tables with dates and
 * numbers as they are shown. Hidden sheets are read and say so.
 */
export const xlsxParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const { office, sheets, strings, formats } = openWorkbook(bytes, limits);
    const writer = new MarkdownWriter(limits.outputCharacters);
    const unreadable: string[] = [];
    for (const [index, sheet] of sheets.entries()) {
      const content = sheet.part === null ? null : office.bytes(sheet.part);
      if (content === null) {
        unreadable.push(sheet.name);
        continue;
      }
      writer.openPage(index + 1, sheet.name);
      const tables = new SheetTables(writer, sheet.hidden ? `${sheet.name} (hidden sheet)` : sheet.name);
      readSheet(content, { strings, formats }, (row, number) => tables.add(row, number));
      tables.end();
    }
    if (writer.isEmpty() && unreadable.length > 0) {
      throw new PerdureError('document_corrupt', 'None of the sheets of the workbook can be read.');
    }
    const { title, language } = office.properties();
    return {
      text: writer.text(),
      format: 'markdown',
      mimeType,
      title,
      language,
      pages: writer.pages,
      boundaries: null,
      warnings: [...unreadableWarning(unreadable), ...embeddedWarnings(office)],
    };
  },
};

function unreadableWarning(names: readonly string[]): DocumentWarning[] {
  if (names.length === 0) return [];
  return [{ code: 'unreadable_part', detail: `Sheets that cannot be read: ${names.join(', ')}.` }];
}
