import { afterAll, expect, test } from '@jest/globals';
import { errorTable } from '../../../contracts/errors.ts';
import { ParserPool } from '../../../providers/parsers/sandbox/parser-pool.ts';
import { buildDocx, relationsPart } from './formats/build-office.ts';
import { buildPdf, textLines } from './formats/build-pdf.ts';
import { buildZip } from './formats/build-zip.ts';

const pool = new ParserPool({ memoryBytes: 512 * 1024 ** 2, timeoutMs: 10_000, processes: 2 });
const limits = { outputCharacters: 1_000_000, unpackedBytes: 20_000_000, archiveMembers: 1000 };
const never = new AbortController().signal;
const mutantsPerKind = 24;

afterAll(() => pool.close());

const main = 'http://schemas.openxmlformats.org';
const words = 'The quick brown fox jumps over the lazy dog.';
const kinds: Record<string, Uint8Array> = {
  text: Buffer.from(`${words}\n`.repeat(20)),
  'Shift_JIS text': Buffer.from('82b182ea82cd93fa967b8cea82cc95b68fcd82c582b781420a'.repeat(10), 'hex'),
  'UTF-16 text': Buffer.from(`\uFEFF${words} äöü 漢字 😀`, 'utf16le'),
  Markdown: Buffer.from(`# Title\n\n${words}\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n\`\`\`js\nlet x = 1;\n\`\`\`\n`),
  code: Buffer.from(`import os\n\nclass A:\n    def b(self, c):\n        """${words}"""\n        return c\n`),
  CSV: Buffer.from(`name,age\n"Ann, B",4\n${'x,1\n'.repeat(20)}`),
  JSON: Buffer.from(JSON.stringify({ a: [1, { b: words }], c: { d: null, e: [[], {}] } })),
  notebook: Buffer.from(
    JSON.stringify({ nbformat: 4, cells: [{ cell_type: 'code', source: ['1'], outputs: [{ text: words }] }] }),
  ),
  XML: Buffer.from(`<?xml version="1.0"?><r><a b="1">${words}</a><a>x &amp; <![CDATA[<p>y</p>]]></a></r>`),
  HTML: Buffer.from(
    `<!doctype html><html><head><title>T</title></head><body><nav>n</nav><article><h1>A</h1><p>${words.repeat(9)}</p><table><tr><td>1<td>2</table></article></body></html>`,
  ),
  mail: Buffer.from(
    `From: a@b.c\r\nTo: d@e.f\r\nSubject: =?utf-8?B?w6Q=?=\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${words}=C3=A4\r\n--x\r\nContent-Type: text/csv; name=a.csv\r\n\r\na,b\r\n--x--\r\n`,
  ),
  RTF: Buffer.from(`{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}\\f0\\b ${words}\\b0\\par \\'e4\\u1078?\\par}`),
  PDF: buildPdf([textLines(72, 720, [words, words]), textLines(72, 700, ['Second page'])]),
  DOCX: buildDocx(`<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>${words}</w:t></w:r></w:p>`),
  PPTX: buildZip({
    '_rels/.rels': relationsPart([['m', 'officeDocument', 'ppt/presentation.xml']]),
    'ppt/presentation.xml': `<p:presentation xmlns:p="${main}/presentationml/2006/main" xmlns:r="${main}/officeDocument/2006/relationships"><p:sldIdLst><p:sldId id="1" r:id="s"/></p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relationsPart([['s', 'slide', 'slides/s.xml']]),
    'ppt/slides/s.xml': `<p:sld xmlns:p="${main}/presentationml/2006/main" xmlns:a="${main}/drawingml/2006/main"><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>${words}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>`,
  }),
  XLSX: buildZip({
    '_rels/.rels': relationsPart([['m', 'officeDocument', 'xl/workbook.xml']]),
    'xl/workbook.xml': `<workbook xmlns="${main}/spreadsheetml/2006/main" xmlns:r="${main}/officeDocument/2006/relationships"><sheets><sheet name="One" r:id="s"/></sheets></workbook>`,
    'xl/_rels/workbook.xml.rels': relationsPart([['s', 'worksheet', 'worksheets/s.xml']]),
    'xl/worksheets/s.xml': `<worksheet xmlns="${main}/spreadsheetml/2006/main"><sheetData><row r="1"><c t="inlineStr"><is><t>${words}</t></is></c><c><v>4</v></c></row></sheetData></worksheet>`,
  }),
};

test.each(Object.keys(kinds))('R31 every damaged %s comes to an end with a text or a reason', async (kind) => {
  const original = kinds[kind]!;
  const random = seeded(kind.length * 7919 + original.length);
  const ends = await Promise.all(
    Array.from({ length: mutantsPerKind }, (_, index) => outcome(index === 0 ? original : mutate(original, random))),
  );
  expect(ends[0]).toBe('read');
  for (const end of ends) expect(['read', ...Object.keys(errorTable)]).toContain(end);
  // A parser that dies of a few changed bytes is a fault of ours, even though it fails that document alone.
  expect(ends).not.toContain('parser_crashed');
  expect(ends).not.toContain('parser_timeout');
});

async function outcome(bytes: Uint8Array): Promise<string> {
  const request = { claimed: null, name: null, charset: null, password: null, limits };
  try {
    const { text, pages } = await pool.parse({ bytes, request }, never);
    if (text.includes('\0') || !text.isWellFormed() || text.trim() === '') return 'a text that cannot be stored';
    return pages.every(({ start }, index) => start >= (pages[index - 1]?.start ?? 0)) ? 'read' : 'pages out of order';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

/** One to eight changes: bytes overwritten, parts cut out, doubled, or the end cut off. */
function mutate(original: Uint8Array, random: () => number): Uint8Array {
  let bytes = Buffer.from(original);
  const below = (limit: number): number => Math.floor(random() * limit);
  for (let change = below(8); change >= 0 && bytes.length > 1; change -= 1) {
    const at = below(bytes.length);
    const to = Math.min(bytes.length, at + 1 + below(40));
    const deed = below(5);
    if (deed === 0) bytes[at] = below(256);
    else if (deed === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(to)]);
    else if (deed === 2) bytes = Buffer.concat([bytes.subarray(0, to), bytes.subarray(at)]);
    else if (deed === 3) bytes.fill(below(256), at, to);
    else if (random() < 0.3) bytes = Buffer.from(bytes.subarray(0, at + 1));
  }
  return bytes;
}

/** Mulberry32. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
