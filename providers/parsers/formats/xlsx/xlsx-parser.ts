import { PerdureError } from '../../../../contracts/errors.ts';
import type { DocumentWarning } from '../../../../contracts/names/document-warnings.ts';
import type { BytesParser } from '../../document-parser.ts';
import { MarkdownWriter } from '../markdown-writer.ts';
import { embeddedWarnings } from '../office/embedded-warnings.ts';
import { OfficePackage } from '../office/office-package.ts';
import { childOf, elementsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import { CellFormats } from './cell-formats.ts';
import { readSheet } from './read-sheet.ts';
import { readSharedStrings } from './shared-strings.ts';
import { SheetTables } from './sheet-tables.ts';

interface Sheet {
  readonly name: string;
  readonly hidden: boolean;
  readonly part: string | null;
}

/**
 * Workbooks (ISO/IEC 29500-1, 18): each sheet is a page that begins with its name, and holds its tables with dates and
 * numbers as they are shown. Hidden sheets are read and say so.
 */
export const xlsxParser: BytesParser = {
  reads: 'bytes',
  parse(bytes, { mimeType, limits }) {
    const office = new OfficePackage(bytes, limits);
    const { part: main, root } = office.main('xl/workbook.xml');
    const writer = new MarkdownWriter(limits.outputCharacters);
    const sharedStrings = office.bytes(office.related(main, 'sharedStrings') ?? 'xl/sharedStrings.xml');
    const strings = sharedStrings === null ? [] : readSharedStrings(sharedStrings);
    const styles = office.xml(office.related(main, 'styles') ?? 'xl/styles.xml');
    const formats = new CellFormats(styles, countsFrom1904(root));
    const unreadable: string[] = [];
    for (const [index, sheet] of sheetsOf(office, main, root).entries()) {
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

function sheetsOf(office: OfficePackage, main: string, workbook: XmlElement): Sheet[] {
  const relationships = new Map(office.relationships(main).map((relation) => [relation.id, relation]));
  const list = childOf(workbook, 'x:sheets');
  return (list ? elementsOf(list) : []).flatMap(({ attributes }, index): Sheet[] => {
    const relation = relationships.get(attributes['r:id'] ?? '');
    // Sheets of charts and macros hold no cells.
    if (relation !== undefined && relation.kind !== 'worksheet') return [];
    const part = relation?.target ?? `xl/worksheets/sheet${index + 1}.xml`;
    const hidden = /hidden/i.test(attributes['state'] ?? '');
    return [{ name: attributes['name'] ?? `Sheet ${index + 1}`, hidden, part }];
  });
}

function countsFrom1904(workbook: XmlElement): boolean {
  return /^(?:1|true)$/.test(childOf(workbook, 'x:workbookPr')?.attributes['date1904'] ?? '');
}

function unreadableWarning(names: readonly string[]): DocumentWarning[] {
  if (names.length === 0) return [];
  return [{ code: 'unreadable_part', detail: `Sheets that cannot be read: ${names.join(', ')}.` }];
}
