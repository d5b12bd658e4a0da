import { describe, expect, test } from '@jest/globals';
import { pdfParser } from '../../../../providers/parsers/formats/pdf/pdf-parser.ts';
import { buildPdf, textLines } from './build-pdf.ts';
import type { PdfText } from './build-pdf.ts';
import { parseBytes } from './parse-bytes.ts';

const prose = [
  'The committee has looked at all of the proposals that',
  'were handed in before the end of the term, and it finds',
  'that most of them fulfil the conditions. It asks for an',
  'extension of the time that is left to answer the ques-',
  'tions of the members about costs.',
];

async function textOf(pages: readonly (readonly PdfText[])[]): Promise<string> {
  return (await parseBytes(pdfParser, buildPdf(pages))).text;
}

describe('pdfParser', () => {
  test('joins lines to paragraphs, mends divided words and finds headings by size', async () => {
    const heading = { x: 50, y: 740, text: 'Report of the Committee', size: 20 };
    const second = { x: 50, y: 600, text: 'Costs', bold: true };
    const pages = [[heading, ...textLines(50, 700, prose), second, ...textLines(50, 580, prose)]];
    expect(await textOf(pages)).toBe(`# Report of the Committee\n\n${paragraph()}\n\n## Costs\n\n${paragraph()}\n`);
  });

  test('reads two columns one after the other, and what spans them first', async () => {
    const left = Array.from({ length: 10 }, (_, line) => `left ${line} has words that fill its column well`);
    const right = Array.from({ length: 10 }, (_, line) => `right ${line} has words that fill its column too`);
    // Drawn line by line over both columns, as some programs do.
    const texts = left.flatMap((text, line) => [
      { x: 40, y: 700 - line * 14, text, size: 11 },
      { x: 320, y: 700 - line * 14, text: right[line] ?? '', size: 11 },
    ]);
    const text = await textOf([
      [{ x: 40, y: 740, text: 'A heading over both of the columns of this page', size: 18 }, ...texts],
    ]);
    expect(text.indexOf('A heading')).toBe(2);
    expect(text.indexOf('left 9')).toBeGreaterThan(text.indexOf('left 0'));
    expect(text.indexOf('right 0')).toBeGreaterThan(text.indexOf('left 9'));
  });

  test('reads three columns one after the other', async () => {
    const columns = [
      [
        'The council met on Monday to talk',
        'about the new bridge which is to',
        'be built in the coming year if',
        'the money can be found by then.',
      ],
      [
        'In other news the baker has won',
        'a prize for his bread which all',
        'of the judges called the best of',
        'its kind in the whole country.',
      ],
      [
        'Our team has lost again by four',
        'goals to one although it led the',
        'match after ten minutes of play',
        'and nobody would resign for it.',
      ],
    ];
    const texts = columns.flatMap((lines, column) => textLines(40 + column * 185, 700, lines));
    expect(await textOf([texts])).toBe(`${columns.map((lines) => lines.join(' ')).join('\n\n')}\n`);
  });

  test('makes tables of aligned cells, and items of bullets', async () => {
    const cell = (column: number, line: number, text: string): PdfText => ({
      x: 50 + column * 120,
      y: 700 - line * 18,
      text,
    });
    const table = [
      ['Name', 'Port', 'State'],
      ['api', '7400', 'up'],
      ['worker', '', 'down'],
      ['web', '80', 'up'],
    ];
    const cells = table.flatMap((row, line) =>
      row.map((text, column) => cell(column, line, text)).filter(({ text }) => text),
    );
    const items = ['\u2022 first of them', '\u2022 second of them'].map((text, line) => ({
      x: 50,
      y: 600 - line * 14,
      text: text.replace('\u2022', '\x95'),
    }));
    expect(await textOf([[...cells, ...items]])).toBe(
      '| Name | Port | State |\n| --- | --- | --- |\n| api | 7400 | up |\n| worker |  | down |\n| web | 80 | up |\n\n- first of them\n- second of them\n',
    );
  });

  test('knows where pages begin, goes on over a page with a sentence, and drops what each page repeats', async () => {
    const page = (number: number, lines: readonly string[]): PdfText[] => [
      { x: 50, y: 780, text: 'Annual report of the works' },
      ...textLines(50, 700, lines),
      { x: 300, y: 20, text: `Page ${number}` },
    ];
    const first = ['This is a sentence that begins on the first page of it and'];
    const bytes = buildPdf([
      page(1, first),
      page(2, ['ends on the second.']),
      page(3, ['A third page.']),
      page(4, ['A fourth.']),
    ]);
    const { text, pages } = await parseBytes(pdfParser, bytes);
    expect(text).toBe(
      'Annual report of the works\n\nThis is a sentence that begins on the first page of it and ends on the second.\n\nA third page.\n\nA fourth.\n',
    );
    expect(pages.map(({ start }) => text.slice(start, start + 7))).toEqual([
      'Annual ',
      'ends on',
      'A third',
      'A fourt',
    ]);
  });

  test('keeps every row of a table that fills its pages, though values stand in the same places of each', async () => {
    const pages = [0, 1, 2, 3].map((page): PdfText[] => {
      const rows = Array.from({ length: 48 }, (_, row) => ({ row: page * 48 + row + 1, y: 770 - row * 15 }));
      return [
        { x: 50, y: 788, text: 'Price list 2024', size: 9 },
        { x: 500, y: 788, text: `Page ${page + 1} of 4`, size: 9 },
        ...rows.flatMap(({ row, y }): PdfText[] =>
          [`Part ${String.fromCodePoint(65 + (row % 26))}${row * 7}`, (row * 13.37).toFixed(2), '0.00', 'EUR'].map(
            (text, column) => ({ x: 50 + column * 120, y, text, size: 9 }),
          ),
        ),
      ];
    });
    const lines = (await textOf(pages)).split('\n');
    for (let row = 1; row <= 192; row += 1)
      expect(lines).toContainEqual(
        expect.stringMatching(
          new RegExp(`^\\| Part [A-Z]${row * 7} \\| ${(row * 13.37).toFixed(2)} \\| 0\\.00 \\| EUR \\|$`),
        ),
      );
    expect(lines.filter((line) => line.includes('Price list 2024'))).toHaveLength(1);
    expect(lines.join('\n')).not.toContain('Page');
  });

  test('keeps what stands in a row beside other things, however often, and drops the header above', async () => {
    const kinds = ['Card payment', 'Transfer of money'];
    const pages = [0, 1, 2, 3, 4].map((page): PdfText[] => [
      { x: 50, y: 790, text: 'Statement of account', size: 9 },
      { x: 500, y: 790, text: `Sheet ${page + 1}/5`, size: 9 },
      ...Array.from({ length: 48 }, (_, row) => [`${page}-${row}-x`, kinds[row % 2]!, String(row % 7)]).flatMap(
        (cells, row) => cells.map((text, column) => ({ x: 50 + column * 150, y: 765 - row * 14, text, size: 9 })),
      ),
    ]);
    const text = await textOf(pages);
    for (let page = 0; page < 5; page += 1)
      for (let row = 0; row < 48; row += 1)
        expect(text).toContain(`| ${page}-${row}-x | ${kinds[row % 2]} | ${row % 7} |`);
    expect(text.match(/Statement of account|Sheet/g)).toEqual(['Statement of account']);
  });

  test('reads once what is drawn twice to look bold, and parts items that follow one that wraps', async () => {
    const lines = [
      '1. The first of them is so long that it goes on',
      'in a second line',
      '2. The second',
      '3. The third',
    ];
    const items = textLines(50, 700, lines).map((one, index) => ({ ...one, x: index === 1 ? 62 : 50 }));
    const bold = [0, 0.4].map((shift) => ({ x: 50 + shift, y: 740, text: 'Drawn twice over' }));
    expect(await textOf([[...bold, ...items]])).toBe(
      'Drawn twice over\n\n1. The first of them is so long that it goes on in a second line\n2. The second\n3. The third\n',
    );
  });

  test('keeps headings that differ from page to page in their numbers alone', async () => {
    const pages = [1, 2, 3, 4].map((chapter) => [
      { x: 50, y: 770, text: `Chapter ${chapter * 2}. Rule ${chapter * 2} of the house`, size: 16, bold: true },
      ...textLines(50, 700, [`What is said there is about ${['doors', 'windows', 'roofs', 'walls'][chapter - 1]}.`]),
    ]);
    const text = await textOf(pages);
    for (const chapter of [2, 4, 6, 8]) expect(text).toContain(`Chapter ${chapter}. Rule ${chapter} of the house`);
  });

  test('shows the values of forms, and takes the title that the document names', async () => {
    const field = '<< /Type /Annot /Subtype /Widget /FT /Tx /T (City) /V (Bonn) /Rect [0 0 9 9] >>';
    const bytes = buildPdf([textLines(50, 700, ['A form.'])], {
      info: '/Title (Order of 2024)',
      extra: `/Annots [${field}]`,
    });
    const { text, title } = await parseBytes(pdfParser, bytes);
    expect([text, title]).toEqual(['A form.\n\n- City: Bonn\n', 'Order of 2024']);
  });

  test('reports a scan as such, and pages of images among others by their numbers', async () => {
    const image =
      '<< /Type /XObject /Subtype /Image /Width 2 /Height 2 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 4 >>\nstream\nabcd\nendstream';
    const scan = (pages: PdfText[][]): Uint8Array => {
      const number = 5 + pages.length * 2;
      return buildPdf(pages, { objects: [image], extra: '' }, `/XObject << /Im ${number} 0 R >>`);
    };
    const drawn = { x: 0, y: 0, text: '', image: true };
    await expect(parseBytes(pdfParser, scan([[drawn]]))).rejects.toMatchObject({ code: 'no_text_layer' });
    const { text, warnings } = await parseBytes(pdfParser, scan([textLines(50, 700, ['Text.']), [drawn]]));
    expect(text).toBe('Text.\n');
    expect(warnings).toEqual([{ code: 'partial_text', detail: 'Pages that are images without a text layer: 2.' }]);
  });

  test('reads a file whose table of objects is damaged, and says why another cannot be read', async () => {
    const good = Buffer.from(buildPdf([textLines(50, 700, ['Hello.'])])).toString('latin1');
    const damaged = Buffer.from(good.replace(/startxref\n\d+/, 'startxref\n7'), 'latin1');
    expect((await parseBytes(pdfParser, damaged)).text).toBe('Hello.\n');
    const rootless = Buffer.from(good.replaceAll('/Root 1 0 R', '').replace('/Catalog', '/Nothing'), 'latin1');
    await expect(parseBytes(pdfParser, rootless)).rejects.toMatchObject({ code: 'document_corrupt' });
    await expect(parseBytes(pdfParser, Buffer.from('%PDF-1.7\nnothing'))).rejects.toMatchObject({
      code: 'document_corrupt',
    });
  });
});

function paragraph(): string {
  return prose.join(' ').replace('ques- tions', 'questions');
}
