import { describe, expect, test } from '@jest/globals';
import { decodeText } from '../../../domain/documents/decode-text.ts';
import { inspectDocument } from '../../../domain/documents/inspect-document.ts';

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding);
const bigEndian = (text: string) => Buffer.concat([Buffer.from([0xfe, 0xff]), bytes(text, 'utf16le').swap16()]);
const littleEndian = (text: string) => Buffer.concat([Buffer.from([0xff, 0xfe]), bytes(text, 'utf16le')]);

describe('inspectDocument', () => {
  test.each([
    ['0 bytes', bytes(''), 'text'],
    ['white space', bytes(' \n\t\r\n '), 'markdown'],
    ['a byte order mark alone', bytes('\uFEFF'), 'text'],
    ['characters without width', bytes('\u200b \u00ad'), 'text'],
  ] as const)('refuses %s as empty', (_, document, type) => {
    expect(inspectDocument(document, type)).toMatchObject({ ok: false, code: 'document_empty' });
  });

  test.each([
    ['NUL bytes', bytes('text\0text')],
    ['bytes that are not UTF-8', Buffer.from([0x61, 0xc3, 0x28, 0x61])],
    ['UTF-16 without a mark', bytes('plain text', 'utf16le')],
    ['half a surrogate pair in UTF-16', Buffer.from([0xff, 0xfe, 0x3d, 0xd8])],
  ])('refuses %s as binary', (_, document) => {
    expect(inspectDocument(document, 'text')).toMatchObject({ ok: false, code: 'document_binary' });
  });

  test.each([
    ['a PDF as text', bytes('%PDF-1.7\n'), 'text'],
    ['a PDF as HTML', bytes('%PDF-1.7\n'), 'html'],
    ['a DOCX as Markdown', Buffer.from([0x50, 0x4b, 0x03, 0x04, 0x14]), 'markdown'],
    ['a PNG as text', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d]), 'text'],
    ['text as PDF', bytes('plain'), 'pdf'],
    ['plain text as HTML', bytes('no tag at all, 1 < 2'), 'html'],
  ] as const)('refuses %s as a mismatch', (_, document, type) => {
    expect(inspectDocument(document, type)).toMatchObject({ ok: false, code: 'document_type_mismatch' });
  });

  test('says plainly that PDF cannot be read yet', () => {
    expect(inspectDocument(bytes('%PDF-1.7\n'), 'pdf')).toMatchObject({ ok: false, code: 'unsupported_media_type' });
  });

  test.each([
    ['text', 'plain', 'text/plain'],
    ['markdown', '<p>HTML is fine in Markdown</p>', 'text/markdown'],
    ['html', '<p>x</p>', 'text/html'],
    ['code', 'x = 1', 'text/x-source'],
  ] as const)('accepts %s', (type, text, mimeType) => {
    expect(inspectDocument(bytes(text), type)).toEqual({ ok: true, mimeType });
  });
});

describe('decodeText', () => {
  test.each([
    ['UTF-8', bytes('naïve 漢字 😀')],
    ['UTF-8 with a mark', bytes('\uFEFFnaïve 漢字 😀')],
    ['UTF-16 little-endian', littleEndian('naïve 漢字 😀')],
    ['UTF-16 big-endian', bigEndian('naïve 漢字 😀')],
  ])('reads %s', (_, document) => {
    expect(decodeText(document)).toEqual({ ok: true, text: 'naïve 漢字 😀' });
  });
});
