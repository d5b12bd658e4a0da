import { describe, expect, test } from '@jest/globals';
import type { ParsedDocument, ParseRequest } from '../../../../providers/parsers/document-parser.ts';
import { findParser } from '../../../../providers/parsers/find-parser.ts';
import { parseDocument } from '../../../../providers/parsers/parse-document.ts';

const limits = { outputCharacters: 100_000, unpackedBytes: 1_000_000, archiveMembers: 100 };

function parse(
  content: string | Buffer,
  claimed: ParseRequest['claimed'] = null,
  changed = limits,
): Promise<ParsedDocument> {
  const request = { claimed, name: null, charset: null, password: null, limits: changed };
  return parseDocument(Buffer.from(content), request, findParser);
}

describe('CSV', () => {
  test('is a table with its header, whatever separates the cells and what is in quotes', async () => {
    const { text, mimeType, format } = await parse('name;note\n"Ann; Bob";"two\nlines | bar"\nCy;\n', 'text/csv');
    expect(text).toBe('| name | note |\n| --- | --- |\n| Ann; Bob | two lines \\| bar |\n| Cy |  |\n');
    expect({ mimeType, format }).toEqual({ mimeType: 'text/csv', format: 'markdown' });
  });

  test('without a header numbers its columns', async () => {
    expect((await parse('1,2.5\n3,4\n', 'text/csv')).text).toMatch(
      /^\| Column 1 \| Column 2 \|\n\| --- \| --- \|\n\| 1 \| 2.5 \|/,
    );
  });

  test('leaves out the line that tells Excel the separator, and believes it', async () => {
    expect((await parse('sep=;\r\na,b;c\r\n1,5;2\r\n', 'text/csv')).text).toBe(
      '| a,b | c |\n| --- | --- |\n| 1,5 | 2 |\n',
    );
  });

  test('with a quotation mark that is never closed keeps its rows, and says so', async () => {
    const { text, warnings } = await parse('a,b\n"x,1\ny,2\n', 'text/csv');
    expect(text).toContain('| y | 2 |');
    expect(warnings.map(({ code }) => code)).toEqual(['unreadable_part']);
  });

  test('that would pass the limit of characters is refused while it is read', async () => {
    const rows = 'word,word\n'.repeat(1000);
    await expect(parse(rows, 'text/csv', { ...limits, outputCharacters: 5000 })).rejects.toMatchObject({
      code: 'parser_output_too_large',
    });
  });
});

describe('JSON', () => {
  test('keeps keys as structure: plain values as items, parts under headings, like records as a table', async () => {
    const value = {
      title: 'Stock',
      tags: ['a', 'b'],
      store: { city: 'Bern', open: true },
      items: [
        { sku: 1, name: 'pen' },
        { sku: 2, name: 'ink' },
      ],
    };
    const { text, title } = await parse(JSON.stringify(value));
    expect(text).toBe(
      '- title: Stock\n- tags: a, b\n\n# store\n\n- city: Bern\n- open: true\n\n# items\n\n' +
        '| sku | name |\n| --- | --- |\n| 1 | pen |\n| 2 | ink |\n',
    );
    expect(title).toBe('Stock');
  });

  test('a line each, with one that is broken', async () => {
    const lines = Array.from({ length: 20 }, (_, n) => (n === 7 ? '{"n": ' : `{"n": ${n}, "m": "x"}`)).join('\n');
    const { text, warnings } = await parse(lines, 'application/x-ndjson');
    expect(text).toContain('| 19 | x |');
    expect(warnings.map(({ code }) => code)).toEqual(['unreadable_part']);
  });

  test('says so when values are lost because a key stands twice', async () => {
    const { text, warnings } = await parse('{"a": "first", "b": {"a": "\\"x\\": 1"}, "a": "last"}', 'application/json');
    expect(text).toContain('last');
    expect(warnings).toEqual([{ code: 'partial_text', detail: expect.stringContaining('1 value left out') }]);
    expect((await parse('{"a": [{"a": "{\\"b\\": 1}"}, {"a": 2}]}', 'application/json')).warnings).toEqual([]);
  });

  test('keeps the digits of large numbers', async () => {
    expect((await parse('{"id": 12345678901234567890}')).text).toBe('- id: 12345678901234567890\n');
  });

  test('that is none stays as it stands, and says so', async () => {
    const { text, warnings } = await parse('{"a": 1,}', 'application/json');
    expect(text).toBe('{"a": 1,}');
    expect(warnings.map(({ code }) => code)).toEqual(['type_mismatch']);
  });
});

describe('a notebook', () => {
  test('shows outputs that only a browser can show by their text, and those of version 3', async () => {
    const display = (data: object) => ({ output_type: 'display_data', data });
    const outputs = [
      display({ 'text/plain': '<IPython.core.display.HTML object>', 'text/html': ['<p>Only <b>here</b></p>'] }),
      display({ 'text/latex': '$x^2$' }),
      display({ 'application/json': { key: 'value' } }),
      display({ 'text/plain': 'a table', 'text/html': '<table></table>' }),
      { output_type: 'pyerr', ename: 'KeyError', evalue: 'wrong key' },
      { output_type: 'display_data', html: '<p>old page</p>' },
    ];
    const { text } = await parse(JSON.stringify({ nbformat: 4, cells: [{ cell_type: 'code', source: 'x', outputs }] }));
    expect(text).toBe(
      '```\nx\n```\n\nOnly here\n\n$x^2$\n\n```json\n{\n  "key": "value"\n}\n```\n\n```text\na table\n```\n\n' +
        '```text\nKeyError: wrong key\n```\n\nold page\n',
    );
  });

  test('keeps Markdown, code with its language and what it printed, and names the images left out', async () => {
    const notebook = {
      nbformat: 4,
      metadata: { language_info: { name: 'python' } },
      cells: [
        { cell_type: 'markdown', source: ['# Report\n', 'Words.'] },
        {
          cell_type: 'code',
          source: 'print("`" * 3)',
          outputs: [
            { output_type: 'stream', text: ['```\n'] },
            { output_type: 'display_data', data: { 'image/png': 'AAAA', 'text/plain': '<Figure>' } },
          ],
        },
      ],
    };
    const { text, warnings, title } = await parse(JSON.stringify(notebook));
    expect(text).toBe(
      '# Report\nWords.\n\n```python\nprint("`" * 3)\n```\n\n````text\n```\n````\n\n```text\n<Figure>\n```\n',
    );
    expect({ title, codes: warnings.map(({ code }) => code) }).toEqual({ title: 'Report', codes: ['skipped_image'] });
  });
});

describe('XML', () => {
  test('keeps elements as structure, and pages within a feed as text', async () => {
    const xml = `<?xml version="1.0" encoding="UTF-8"?><rss><channel><title>News</title>
      <item><title>One</title><description><![CDATA[<p>First <b>words</b></p>]]></description></item>
      <item><title>Two</title><description>Second &amp; last</description></item></channel></rss>`;
    const { text, title } = await parse(xml);
    expect(title).toBe('News');
    expect(text).toContain('- title: News');
    expect(text).toContain('| One | First words |\n| Two | Second & last |');
  });

  test('keeps an attribute beside the text it is called like, and names entities that it does not expand', async () => {
    const xml = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY co "Company"><!ENTITY no "x">]><r text="A">B &co;</r>';
    const { text, warnings } = await parse(xml);
    expect(text).toMatch(/A[^]*B &co;/);
    expect(warnings).toEqual([{ code: 'partial_text', detail: expect.stringMatching(/: &co;\.$/) }]);
  });

  test('reads the charset of its declaration', async () => {
    const xml = Buffer.from('<?xml version="1.0" encoding="iso-8859-1"?><a><b>caf\u00e9 cr\u00e8me</b></a>', 'latin1');
    const { text, warnings } = await parse(xml);
    expect({ text, warnings }).toEqual({ text: '# a\n\n- b: café crème\n', warnings: [] });
  });

  test('never expands entities, so that a bomb of them stays small', async () => {
    const entities = Array.from({ length: 20 }, (_, n) => `<!ENTITY e${n + 1} "&e${n};&e${n};&e${n};&e${n};">`).join(
      '',
    );
    const bomb = `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e0 "boom">${entities}]><x><y>&e20; tick</y></x>`;
    expect((await parse(bomb)).text).toMatch(/^# x\n\n- y: .{1,20} ?tick\n$/);
  });
});

describe('any document', () => {
  test('comes without NUL characters and halves of pairs, and says so', async () => {
    const { text, warnings } = await parse(JSON.stringify({ a: 'x\0y', b: '\uD83D' }).replace('\\ud83d', '\\ud83d'));
    expect(text).toBe('- a: x\uFFFDy\n- b: \uFFFD\n');
    expect(warnings.map(({ code }) => code)).toEqual(['suspected_garbled']);
  });

  test('whose text is nothing but white space is empty', async () => {
    await expect(parse('{"a": " "}'.replace('"a"', '" "'))).resolves.toBeDefined();
    await expect(parse('<?xml version="1.0"?><a> </a>')).rejects.toMatchObject({ code: 'document_empty' });
  });
});
