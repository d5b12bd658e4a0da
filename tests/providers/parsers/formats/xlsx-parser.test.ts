import { describe, expect, test } from '@jest/globals';
import { xlsxParser } from '../../../../providers/parsers/formats/xlsx/xlsx-parser.ts';
import { relationsPart } from './build-office.ts';
import { buildZip } from './build-zip.ts';
import { parseBytes } from './parse-bytes.ts';

const namespaces =
  'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"';
const word = (text: string): string => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
const row = (number: number, ...cells: string[]): string => `<row r="${number}">${cells.join('')}</row>`;

function workbook(
  sheets: Readonly<Record<string, string>>,
  { attributes = '', date1904 = false, computesOnLoad = false } = {},
): Uint8Array {
  const names = Object.keys(sheets);
  const list = names.map((name, index) => `<sheet name="${name}" r:id="s${index}" ${index > 0 ? attributes : ''}/>`);
  return buildZip({
    '_rels/.rels': relationsPart([['main', 'officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': `<workbook ${namespaces}><workbookPr date1904="${date1904 ? 1 : 0}"/><sheets>${list.join('')}</sheets><calcPr fullCalcOnLoad="${computesOnLoad ? 1 : 0}"/></workbook>`,
    'xl/_rels/workbook.xml.rels': relationsPart([
      ...names.map((_, index) => [`s${index}`, 'worksheet', `worksheets/sheet${index}.xml`] as const),
      ['t', 'sharedStrings', 'sharedStrings.xml'],
      ['f', 'styles', 'styles.xml'],
    ]),
    'xl/sharedStrings.xml': `<sst ${namespaces}><si><t>shared</t></si><si><r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh></si></sst>`,
    'xl/styles.xml': `<styleSheet ${namespaces}><numFmts><numFmt numFmtId="170" formatCode="#,##0.00\\ &quot;€&quot;"/></numFmts>
      <cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="10"/><xf numFmtId="170"/></cellXfs></styleSheet>`,
    ...Object.fromEntries(
      names.map((name, index) => [
        `xl/worksheets/sheet${index}.xml`,
        `<worksheet ${namespaces}><sheetData>${sheets[name]}</sheetData></worksheet>`,
      ]),
    ),
  });
}

describe('xlsxParser', () => {
  test('shows dates, percentages, currencies, truth values, errors and the results of formulas', async () => {
    const cells =
      '<c s="1"><v>45292</v></c><c s="2"><v>0.125</v></c><c s="3"><v>1234.5</v></c><c t="b"><v>1</v></c>' +
      '<c t="e"><v>#N/A</v></c><c t="str"><f>A1&amp;"x"</f><v>done</v></c><c><v>0.30000000000000004</v></c>' +
      '<c t="s"><v>0</v></c><c t="s"><v>1</v></c>';
    const bytes = workbook({ Data: row(1, ...'ABCDEFGHI'.split('').map(word)) + row(2, cells) });
    expect((await parseBytes(xlsxParser, bytes)).text).toContain(
      '| 2024-01-01 | 12.50% | 1,234.50 € | TRUE | #N/A | done | 0.3 | shared | rich |',
    );
    const early = workbook({ Data: row(1, word('Day')) + row(2, '<c s="1"><v>0</v></c>') }, { date1904: true });
    expect((await parseBytes(xlsxParser, early)).text).toContain('1904-01-01');
  });

  test('makes a page of each sheet, and says which ones are hidden', async () => {
    const bytes = workbook(
      { Sales: row(1, word('x')), Empty: '', Costs: row(1, word('y')) },
      { attributes: 'state="hidden"' },
    );
    const { text, pages } = await parseBytes(xlsxParser, bytes);
    expect(text).toBe('# Sales\n\nx\n\n# Costs (hidden sheet)\n\ny\n');
    expect(pages.map(({ number, label }) => [number, label])).toEqual([
      [1, 'Sales'],
      [2, 'Empty'],
      [3, 'Costs'],
    ]);
  });

  test('sets titles apart from the header below them, and tables apart from each other', async () => {
    const sheet =
      row(1, word('Report')) +
      row(3, word('Name'), word('Count')) +
      row(4, word('a'), '<c><v>1</v></c>') +
      row(6, word('b'), '<c><v>2</v></c>') +
      row(8, word('Who'), word('When')) +
      row(9, word('c'), word('now'));
    expect((await parseBytes(xlsxParser, workbook({ S: sheet }))).text).toBe(
      '# S\n\nReport\n\n| Name | Count |\n| --- | --- |\n| a | 1 |\n| b | 2 |\n\n| Who | When |\n| --- | --- |\n| c | now |\n',
    );
  });

  test('shows a formula that was never computed as written, and says where; an empty result is none', async () => {
    const formula = (reference: string, text: string, value = '<v></v>', type = ''): string =>
      `<c r="${reference}"${type}><f>${text}</f>${value}</c>`;
    const sheet =
      row(1, word('Item'), word('Sum')) +
      `<row r="2"><c r="A2"><v>1</v></c>${formula('B2', 'SUM(A2:A9)')}</row>` +
      `<row r="3"><c r="A3"><v>2</v></c>${formula('AB3', 'A3&amp;"x"', '')}</row>` +
      `<row r="4"><c r="A4"><v>3</v></c>${formula('B4', 'IF(A4,"","x")', '<v></v>', ' t="str"')}</row>`;
    const { text, warnings } = await parseBytes(xlsxParser, workbook({ Costs: sheet }));
    expect(text).toContain('| 1 | =SUM(A2:A9) |');
    expect(text).toContain('=A3&"x"');
    expect(text).not.toContain('IF(');
    expect(warnings).toEqual([
      { code: 'partial_text', detail: expect.stringMatching(/^2 formulas without .*: Costs!B2, Costs!AB3\. Open/) },
    ]);
  });

  test('doubts results that are all zero where the program that wrote them computes nothing', async () => {
    const sheet = (value: string): string =>
      row(1, word('Item'), word('Sum')) + row(2, word('a'), `<c><f>1+1</f><v>${value}</v></c>`);
    const warningsOf = async (value: string, computesOnLoad: boolean) =>
      (await parseBytes(xlsxParser, workbook({ S: sheet(value) }, { computesOnLoad }))).warnings;
    expect(await warningsOf('0', true)).toEqual([expect.objectContaining({ code: 'partial_text' })]);
    expect(await warningsOf('2', true)).toEqual([]);
    expect(await warningsOf('0', false)).toEqual([]);
  });

  test('keeps cells in their columns where others are empty', async () => {
    const sheet =
      row(1, word('a'), word('b'), word('c')) + '<row r="2"><c r="A2"><v>1</v></c><c r="C2"><v>3</v></c></row>';
    expect((await parseBytes(xlsxParser, workbook({ S: sheet }))).text).toContain('| 1 |  | 3 |');
  });

  test('adds comments with their cells, text boxes, titles of charts, and sheets of charts', async () => {
    const a = 'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"';
    const drawing = 'xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"';
    const chart = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"';
    const paragraph = (text: string): string => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`;
    const picture = (description: string): string =>
      `<d:pic><d:nvPicPr><d:cNvPr descr="${description}"/></d:nvPicPr></d:pic>`;
    const bytes = buildZip({
      '_rels/.rels': relationsPart([['main', 'officeDocument', 'xl/workbook.xml']]),
      'xl/workbook.xml': `<workbook ${namespaces}><sheets><sheet name="S" r:id="s"/><sheet name="C" r:id="c"/></sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': relationsPart([
        ['s', 'worksheet', 'worksheets/sheet1.xml'],
        ['c', 'chartsheet', 'chartsheets/sheet1.xml'],
      ]),
      'xl/worksheets/sheet1.xml': `<worksheet ${namespaces}><sheetData>${row(1, word('x'))}</sheetData></worksheet>`,
      'xl/chartsheets/sheet1.xml': `<chartsheet ${namespaces}><drawing r:id="d"/></chartsheet>`,
      'xl/worksheets/_rels/sheet1.xml.rels': relationsPart([
        ['n', 'comments', '../comments1.xml'],
        ['t', 'threadedComment', '../threads.xml'],
        ['d', 'drawing', '../drawings/drawing1.xml'],
      ]),
      'xl/chartsheets/_rels/sheet1.xml.rels': relationsPart([['d', 'drawing', '../drawings/drawing2.xml']]),
      'xl/comments1.xml': `<comments ${namespaces}><authors><author>Ann</author></authors><commentList>
        <comment ref="A1" authorId="0"><text><r><t>Why </t></r><r><t>so?</t></r></text></comment>
        <comment ref="B2" authorId="0"><text><t>[Threaded comment]</t></text></comment></commentList></comments>`,
      'xl/threads.xml':
        '<ThreadedComments xmlns="urn:t"><threadedComment ref="B2"><text>Because.</text></threadedComment></ThreadedComments>',
      'xl/drawings/drawing1.xml': `<d:wsDr ${drawing} ${a}><d:sp><d:txBody>${paragraph('In a box')}</d:txBody></d:sp>${picture('A map of sites')}${picture('')}</d:wsDr>`,
      'xl/drawings/drawing2.xml': `<d:wsDr ${drawing} ${a} ${chart} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><c:chart r:id="h"/></d:wsDr>`,
      'xl/drawings/_rels/drawing2.xml.rels': relationsPart([['h', 'chart', '../charts/chart1.xml']]),
      'xl/charts/chart1.xml': `<c:chartSpace ${chart} ${a}><c:title>${paragraph('Sales by year')}</c:title></c:chartSpace>`,
    });
    const { text, pages, warnings } = await parseBytes(xlsxParser, bytes);
    expect(text).toBe(
      '# S\n\nx\n\n[Comment on A1 by Ann: Why so?]\n\n[Comment on B2: Because.]\n\nIn a box\n\n[Image: A map of sites]\n\n' +
        '# C\n\nChart: Sales by year\n',
    );
    expect(pages.map(({ label }) => label)).toEqual(['S', 'C']);
    expect(warnings.map(({ code }) => code)).toEqual(['skipped_image']);
  });

  test('stops where the text grows beyond the limit', async () => {
    const rows = Array.from({ length: 500 }, (_, index) => row(index + 1, word('some text'), word('more')));
    await expect(
      parseBytes(xlsxParser, workbook({ S: rows.join('') }), { limits: { outputCharacters: 1_000 } }),
    ).rejects.toMatchObject({ code: 'parser_output_too_large' });
  });
});
