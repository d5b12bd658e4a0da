import { OfficePackage } from '../office/office-package.ts';
import { childOf, elementsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';
import type { ParseLimits } from '../../document-parser.ts';
import { CellFormats } from './cell-formats.ts';
import { readSharedStrings } from './shared-strings.ts';

/** A sheet of cells or of a chart; `part` is null where the workbook does not say where it is. */
interface Sheet {
  readonly name: string;
  readonly hidden: boolean;
  readonly part: string | null;
}

/** A workbook whose sheets can be read, and what their cells refer to. */
export interface Workbook {
  readonly office: OfficePackage;
  readonly sheets: readonly Sheet[];
  readonly strings: readonly string[];
  readonly formats: CellFormats;
  /** Whether the program that wrote it leaves all formulas to the one that opens it. */
  readonly computesOnLoad: boolean;
}

/** Opens a workbook (ISO/IEC 29500-1, 18). @throws PerdureError `document_corrupt` if it is none. */
export function openWorkbook(bytes: Uint8Array, limits: ParseLimits): Workbook {
  const office = new OfficePackage(bytes, limits);
  const { part: main, root } = office.main('xl/workbook.xml');
  const sharedStrings = office.bytes(office.related(main, 'sharedStrings') ?? 'xl/sharedStrings.xml');
  const strings = sharedStrings === null ? [] : readSharedStrings(sharedStrings);
  const styles = office.xml(office.related(main, 'styles') ?? 'xl/styles.xml');
  const formats = new CellFormats(styles, countsFrom1904(root));
  const computesOnLoad = isTrue(childOf(root, 'x:calcPr')?.attributes['fullCalcOnLoad']);
  return { office, sheets: sheetsOf(office, main, root), strings, formats, computesOnLoad };
}

function sheetsOf(office: OfficePackage, main: string, workbook: XmlElement): Sheet[] {
  const relationships = new Map(office.relationships(main).map((relation) => [relation.id, relation]));
  const list = childOf(workbook, 'x:sheets');
  return (list ? elementsOf(list) : []).flatMap(({ attributes }, index): Sheet[] => {
    const relation = relationships.get(attributes['r:id'] ?? '');
    // Sheets of macros hold nothing to read, those of charts a drawing.
    if (relation !== undefined && !/^(?:work|chart)sheet$/.test(relation.kind)) return [];
    const part = relation?.target ?? `xl/worksheets/sheet${index + 1}.xml`;
    const hidden = /hidden/i.test(attributes['state'] ?? '');
    return [{ name: attributes['name'] ?? `Sheet ${index + 1}`, hidden, part }];
  });
}

function countsFrom1904(workbook: XmlElement): boolean {
  return isTrue(childOf(workbook, 'x:workbookPr')?.attributes['date1904']);
}

function isTrue(value: string | undefined): boolean {
  return value === '1' || value === 'true';
}
