import { describe, expect, test } from '@jest/globals';
import { docxParser } from '../../../../providers/parsers/formats/docx/docx-parser.ts';
import { buildDocx, wordPart } from './build-office.ts';
import { buildZip } from './build-zip.ts';
import { parseBytes } from './parse-bytes.ts';

const run = (text: string): string => `<w:r><w:t xml:space="preserve">${text}</w:t></w:r>`;
const paragraph = (text: string, properties = ''): string => `<w:p><w:pPr>${properties}</w:pPr>${run(text)}</w:p>`;
const styled = (style: string, text: string): string => paragraph(text, `<w:pStyle w:val="${style}"/>`);
const item = (text: string, level = 0): string =>
  paragraph(text, `<w:numPr><w:ilvl w:val="${level}"/><w:numId w:val="1"/></w:numPr>`);
const level = (index: number, format: string, text: string): string =>
  `<w:lvl w:ilvl="${index}"><w:start w:val="1"/><w:numFmt w:val="${format}"/><w:lvlText w:val="${text}"/></w:lvl>`;
const numbering = (...levels: string[]): string =>
  wordPart(
    'numbering',
    `<w:abstractNum w:abstractNumId="7">${levels.join('')}</w:abstractNum><w:num w:numId="1"><w:abstractNumId w:val="7"/></w:num>`,
  );

async function textOf(body: string, parts: Record<string, string> = {}): Promise<string> {
  return (await parseBytes(docxParser, buildDocx(body, parts))).text;
}

describe('docxParser', () => {
  test('takes headings from styles in any language, from outline levels, and numbers them as the document does', async () => {
    const styles = wordPart(
      'styles',
      `<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
       <w:style w:type="paragraph" w:styleId="Kapitel"><w:name w:val="Kapitel"/><w:basedOn w:val="berschrift1"/><w:pPr><w:numPr><w:ilvl w:val="1"/></w:numPr><w:outlineLvl w:val="1"/></w:pPr></w:style>`,
    );
    const list = numbering(level(0, 'decimal', '%1'), level(1, 'decimal', '%1.%2'));
    const body = [
      styled('berschrift1', 'Anfang'),
      styled('Kapitel', 'Grenzen'),
      styled('Kapitel', 'Zweck'),
      paragraph('Text.'),
    ];
    const parts = { 'word/styles.xml': styles, 'word/numbering.xml': list };
    expect(await textOf(body.join(''), parts)).toBe('# 1 Anfang\n\n## 1.1 Grenzen\n\n## 1.2 Zweck\n\nText.\n');
  });

  test('writes lists with their numbers, letters and levels', async () => {
    const list = numbering(level(0, 'decimal', '%1.'), level(1, 'lowerLetter', '%2)'), level(2, 'bullet', '•'));
    const body = [item('one'), item('sub', 1), item('point', 2), item('two'), item('sub again', 1)].join('');
    expect(await textOf(body, { 'word/numbering.xml': list })).toBe(
      '1. one\n  - a) sub\n    - point\n2. two\n  - a) sub again\n',
    );
  });

  test('keeps tables with merged cells, nested tables and bars', async () => {
    const cell = (content: string, properties = ''): string => `<w:tc><w:tcPr>${properties}</w:tcPr>${content}</w:tc>`;
    const nested = `<w:tbl><w:tr>${cell(paragraph('x'))}${cell(paragraph('y'))}</w:tr></w:tbl>`;
    const table = `<w:tbl><w:tr>${cell(paragraph('a|b'), '<w:gridSpan w:val="2"/>')}${cell(paragraph('c'))}</w:tr>
      <w:tr>${cell(paragraph('1'), '<w:vMerge w:val="restart"/>')}${cell(paragraph('2'))}${cell(nested)}</w:tr>
      <w:tr>${cell(paragraph(''), '<w:vMerge/>')}${cell(paragraph('3'))}${cell(paragraph('4'))}</w:tr></w:tbl>`;
    expect(await textOf(table)).toBe('| a\\|b |  | c |\n| --- | --- | --- |\n| 1 | 2 | x, y |\n|  | 3 | 4 |\n');
  });

  test('keeps what was inserted, drops what was deleted or is hidden, and writes equations on a line', async () => {
    const body = `<w:p>${run('Old ')}<w:del><w:r><w:delText>gone </w:delText></w:r></w:del><w:ins>${run('new ')}</w:ins>
      <w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath></w:p>`;
    expect(await textOf(body)).toBe('Old new $\\frac{a}{b}$\n');
  });

  test('puts notes and comments after their paragraph, text boxes after their anchor, headers first and footers last', async () => {
    const box = '<w:r><w:pict><w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent></w:pict></w:r>';
    const body = `<w:p>${run('Claim')}<w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:commentReference w:id="5"/></w:r>${box}</w:p>
      <w:sectPr><w:headerReference w:type="default" r:id="header1"/><w:footerReference w:type="default" r:id="footer1"/></w:sectPr>`;
    const parts = {
      'word/footnotes.xml': wordPart('footnotes', `<w:footnote w:id="2">${paragraph('Source')}</w:footnote>`),
      'word/comments.xml': wordPart(
        'comments',
        `<w:comment w:id="5" w:author="Ann">${paragraph('Really?')}</w:comment>`,
      ),
      'word/header1.xml': wordPart('hdr', paragraph('Head')),
      'word/footer1.xml': wordPart('ftr', paragraph('Foot')),
    };
    expect(await textOf(body, parts)).toBe(
      'Head\n\nClaim[^1]\n\nIn a box\n\n[^1]: Source\n\n[Comment by Ann: Really?]\n\nFoot\n',
    );
  });

  test("takes pages from Word's last layout", async () => {
    const body = `${paragraph('First page.')}<w:p><w:r><w:lastRenderedPageBreak/><w:t>Second page.</w:t></w:r></w:p>`;
    const { text, pages } = await parseBytes(docxParser, buildDocx(body));
    expect(pages).toEqual([
      { number: 1, start: 0 },
      { number: 2, start: text.indexOf('Second') },
    ]);
  });

  test('names what it leaves out', async () => {
    const picture =
      '<w:p><w:r><w:drawing><a:blip xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"/></w:drawing></w:r></w:p>';
    const bytes = buildDocx(`${paragraph('Text')}${picture}`, { 'word/embeddings/inner.docx': 'x' });
    const { warnings } = await parseBytes(docxParser, bytes);
    expect(warnings.map(({ code }) => code)).toEqual(['skipped_image', 'skipped_attachment']);
    expect(warnings[1]?.detail).toContain('inner.docx');
  });

  test('tolerates byte order marks, other prefixes and relationships that lead nowhere', async () => {
    const main =
      '\uFEFF<?xml version="1.0"?><n:document xmlns:n="http://purl.oclc.org/ooxml/wordprocessingml/main"><n:body><n:p><n:hyperlink><n:r><n:t>Linked</n:t></n:r></n:hyperlink></n:p></n:body></n:document>';
    const bytes = buildZip({ 'word\\document.xml': main, '_rels/.rels': '<Relationships><Relationship Id="x"' });
    expect((await parseBytes(docxParser, bytes)).text).toBe('Linked\n');
  });
});

describe('Office documents that are damaged or made to harm', () => {
  test('a file that is cut off is corrupt, and says so', async () => {
    const bytes = buildDocx(paragraph('Text')).subarray(0, 200);
    await expect(parseBytes(docxParser, bytes)).rejects.toMatchObject({ code: 'document_corrupt' });
  });

  test('an archive that unpacks to more than allowed is refused, whatever its headers say', async () => {
    const bytes = buildZip({ 'word/document.xml': 'a'.repeat(2_000_000) }, 10);
    await expect(parseBytes(docxParser, bytes, { limits: { unpackedBytes: 1_000_000 } })).rejects.toMatchObject({
      code: 'parser_output_too_large',
    });
  });

  test('an archive that unpacks to more than 200 times its size is refused before it takes memory', async () => {
    const letters = 'a'.repeat(70_000_000);
    for (const stated of [undefined, 10]) {
      const bytes = buildZip({ 'word/document.xml': letters }, stated);
      expect(bytes.byteLength * 200).toBeLessThan(letters.length);
      await expect(parseBytes(docxParser, bytes, { limits: { unpackedBytes: 1024 ** 3 } })).rejects.toMatchObject({
        code: 'parser_output_too_large',
      });
    }
  });

  test('entities do not expand, and nesting has an end', async () => {
    const lol =
      '<!DOCTYPE d [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;">]><w:document><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>';
    expect((await parseBytes(docxParser, buildZip({ 'word/document.xml': lol }))).text).not.toContain('lol');
    const deep = `<w:document>${'<w:sdt>'.repeat(100_000)}`;
    await expect(parseBytes(docxParser, buildZip({ 'word/document.xml': deep }))).rejects.toMatchObject({
      code: 'document_corrupt',
    });
  });
});
