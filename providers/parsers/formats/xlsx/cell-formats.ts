import { format } from 'numfmt';
import { childOf, elementsOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

// The formats that have a number only (ISO/IEC 29500-1, 18.8.30). Dates whose order depends on the reader's country are
// shown with the year first.
const builtIn: Readonly<Record<number, string>> = {
  1: '0', 2: '0.00', 3: '#,##0', 4: '#,##0.00', 9: '0%', 10: '0.00%', 11: '0.00E+00', 12: '# ?/?', 13: '# ??/??',
  14: 'yyyy-mm-dd', 15: 'd-mmm-yy', 16: 'd-mmm', 17: 'mmm-yy', 18: 'h:mm AM/PM', 19: 'h:mm:ss AM/PM', 20: 'h:mm',
  21: 'h:mm:ss', 22: 'yyyy-mm-dd h:mm', 27: 'yyyy-mm-dd', 30: 'yyyy-mm-dd', 31: 'yyyy-mm-dd', 36: 'yyyy-mm-dd',
  37: '#,##0;(#,##0)', 38: '#,##0;(#,##0)', 39: '#,##0.00;(#,##0.00)', 40: '#,##0.00;(#,##0.00)', 45: 'mm:ss',
  46: '[h]:mm:ss', 47: 'mm:ss.0', 48: '##0.0E+0', 49: '@', 50: 'yyyy-mm-dd', 57: 'yyyy-mm-dd',
}; // prettier-ignore

// Days between the two calendars that workbooks count from.
const days1904 = 1_462;

/** Shows numbers as a workbook does: dates, percentages, currencies. */
export class CellFormats {
  /** By number of the cell's style; null shows the number as it is. */
  private readonly patterns: (string | null)[];
  private readonly offset: number;

  /** @param root of the part xl/styles.xml, if there is one. */
  constructor(root: XmlElement | null, countsFrom1904: boolean) {
    const own = new Map<string, string>();
    const numberFormats = childOf(root ?? undefined, 'x:numFmts');
    for (const { attributes } of numberFormats ? elementsOf(numberFormats) : []) {
      own.set(attributes['numFmtId'] ?? '', attributes['formatCode'] ?? '');
    }
    const styles = childOf(root ?? undefined, 'x:cellXfs');
    this.patterns = (styles ? elementsOf(styles) : []).map(({ attributes }) => {
      const id = attributes['numFmtId'] ?? '0';
      const pattern = own.get(id) ?? builtIn[Number(id)] ?? '';
      return pattern === '' || /^general$/i.test(pattern) ? null : pattern;
    });
    this.offset = countsFrom1904 ? days1904 : 0;
  }

  /** The number as the cell shows it. */
  show(number: number, style: number): string {
    const pattern = this.patterns[style] ?? null;
    if (pattern === null) return plain(number);
    const isDate = /[ymdhs]/i.test(pattern.replaceAll(/"[^"]*"|\\.|\[[^\]]*\]|_./g, ''));
    try {
      const shown = format(pattern, isDate ? number + this.offset : number, { throws: true, nbsp: false }).trim();
      // A pattern may hide the value, or name a width that nothing fits.
      return shown === '' || /^#+$/.test(shown) ? plain(number) : shown;
    } catch {
      return plain(number);
    }
  }
}

// Excel counts with 15 digits: those after them are the error of binary fractions.
function plain(number: number): string {
  return Number.isFinite(number) ? String(Number(number.toPrecision(15))) : '';
}
