import { PerdureError } from '../../../../contracts/errors.ts';
import { countOf } from '../../../../contracts/names/count-of.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { embeddedWarnings } from '../office/embedded-warnings.ts';
import { openWorkbook } from './open-workbook.ts';
import { readSheet } from './read-sheet.ts';
import type { SheetFormulas } from './read-sheet.ts';
import { readSheetNotes } from './sheet-notes.ts';
import { SheetTables } from './sheet-tables.ts';

/**
 * Workbooks (ISO/IEC 29500-1, 18): each sheet is a page that begins with its name, and holds its tables with dates and
 * numbers as they are shown. Comments, text boxes and titles of
 * charts follow. Hidden sheets are read and say so; formulas that were never computed are named in a warning.
 */
export const xlsxParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const { office, sheets, strings, formats, computesOnLoad } = openWorkbook(bytes, limits);
    const writer = new MarkdownWriter(limits.outputCharacters);
    const unreadable: string[] = [];
    const formulas: SheetFormulas[] = [];
    const uncomputed: string[] = [];
    let pictures = 0;
    for (const [index, sheet] of sheets.entries()) {
      const content = sheet.part === null ? null : office.bytes(sheet.part);
      if (content === null) {
        unreadable.push(sheet.name);
        continue;
      }
      writer.openPage(index + 1, sheet.name);
      const tables = new SheetTables(writer, sheet.hidden ? `${sheet.name} (hidden sheet)` : sheet.name);
      const found = readSheet(content, { strings, formats }, (row, number) => tables.add(row, number));
      tables.end();
      const notes = readSheetNotes(office, sheet.part!);
      for (const line of notes.lines) tables.note(line);
      pictures += notes.pictures;
      formulas.push(found);
      for (const place of found.withoutValue) uncomputed.push(`${sheet.name}!${place}`);
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
      warnings: [
        ...unreadableWarning(unreadable),
        ...(uncomputed.length > 0 ? uncomputedWarning(uncomputed) : computesOnLoad ? zerosWarning(formulas) : []),
        ...pictureWarning(pictures),
        ...embeddedWarnings(office),
      ],
    };
  },
};

function pictureWarning(pictures: number): DocumentWarning[] {
  if (pictures === 0) return [];
  return [{ code: 'skipped_image', detail: `Pictures are not read: ${pictures} without a description.` }];
}

const remedy = 'Open the workbook in a spreadsheet program, save it, and send it again.';

function uncomputedWarning(places: readonly string[]): DocumentWarning[] {
  const more = places.length > 10 ? ` and ${places.length - 10} more` : '';
  const detail = `${countOf(places.length, 'formula')} without a computed value, shown as written: ${places.slice(0, 10).join(', ')}${more}. ${remedy}`;
  return [{ code: 'partial_text', detail }];
}

/** Some programs write zeros as the results of formulas that they do not compute. */
function zerosWarning(formulas: readonly SheetFormulas[]): DocumentWarning[] {
  const count = formulas.reduce((sum, found) => sum + found.count, 0);
  if (count === 0 || formulas.some(({ computed }) => computed > 0)) return [];
  const detail = `All results of formulas are zero (${count} in all) and may never have been computed. ${remedy}`;
  return [{ code: 'partial_text', detail }];
}

function unreadableWarning(names: readonly string[]): DocumentWarning[] {
  if (names.length === 0) return [];
  return [{ code: 'unreadable_part', detail: `Sheets that cannot be read: ${names.join(', ')}.` }];
}
