import { describe, expect, test } from '@jest/globals';
import { claimedMediaType, readClaim, writeClaim } from '../../../../domain/documents/claimed-type.ts';
import { detectDocument } from '../../../../providers/parsers/detection/detect-document.ts';
import { encodeText } from '../encoding/encode-text.ts';

const ole = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const stream = (name: string) => Buffer.concat([ole, Buffer.alloc(100), Buffer.from(name, 'utf16le')]);

/** The document type and the codes of warnings, or the code of the refusal. */
async function detect(bytes: Buffer | string, name?: string): Promise<string> {
  try {
    const found = await detectDocument(Buffer.from(bytes), claimedMediaType({ name }));
    return [found.documentType ?? found.mimeType, ...found.warnings.map(({ code }) => code)].join(', ');
  } catch (error) {
    return (error as { code: string }).code;
  }
}

const mail = 'From: a@example.com\nTo: b@example.com\nSubject: Hello\nDate: Mon, 1 Jan 2024 10:00:00 +0000\n\nText';
const notebook = JSON.stringify({
  cells: [{ cell_type: 'markdown', source: ['# A'] }],
  nbformat: 4,
  nbformat_minor: 5,
});

describe('detectDocument', () => {
  test.each([
    ['%PDF-1.7\n…', 'pdf'],
    ['junk before it\n%PDF-1.4\n1 0 obj', 'pdf'],
    ['A PDF begins with %PDF-1.4 and the like.', 'text'],
    ['{\\rtf1\\ansi text}', 'rtf'],
    ['<!doctype html><p>x', 'html'],
    ['\uFEFF<html><body>x', 'html'],
    ['<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', 'html'],
    ['<?xml version="1.0"?><rss/>', 'xml'],
    ['<h2>A part</h2><p>of a page</p>', 'html'],
    [mail, 'email'],
    [`From sender Mon Jan  1 10:00:00 2024\n${mail}`, 'email'],
    ['{"a": [1, 2]}', 'json'],
    ['{"a": 1}\n{"a": 2}\n', 'json'],
    [notebook, 'notebook'],
    ['a;b;c\n1;2;3\n4;5;6\n7;8;9', 'csv'],
    ['name\tage\nann\t4\nbob\t5', 'csv'],
    ['# Title\n\nSome *words*.', 'markdown'],
    ['#!/usr/bin/env python3\nprint(1)', 'code'],
    ['package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("x")\n}\n', 'code'],
    ['Just words, and some more. Nothing else:\nfrom here to there.', 'text'],
    ['Dear all,\n\nSubject: this is a letter\nFrom: me, with love\n', 'text'],
  ])('finds by its content alone that %j is %s', async (text, type) => {
    expect(await detect(text)).toBe(type);
  });

  test.each([
    ['words', 'notes.md', 'markdown'],
    ['x = 1', 'setup.py', 'code'],
    ['a,b', 'table.csv', 'csv'],
    ['# not a heading', 'config.yaml', 'code'],
    ['<div>{{ name }}</div>', 'page.vue', 'code'],
    ['# Title\n\n```\ncode\n```', 'README.txt', 'text'],
  ])('lets the name decide where the bytes leave it open: %j as %s is %s', async (text, name, type) => {
    expect(await detect(text, name)).toBe(type);
  });

  test.each([
    ['%PDF-1.7', 'letter.txt', 'pdf, type_mismatch'],
    ['{\\rtf1 x}', 'letter.docx', 'rtf, type_mismatch'],
    ['just words', 'page.html', 'text, type_mismatch'],
    ['just words', 'report.pdf', 'text, type_mismatch'],
    ['no mail', 'message.eml', 'text, type_mismatch'],
    ['<!doctype html><title>x</title>', 'notes.md', 'html, type_mismatch'],
  ])('is never silent about a name that says something else: %j as %s is %s', async (text, name, found) => {
    expect(await detect(text, name)).toBe(found);
  });

  test.each([
    ['an empty file', '', 'document_empty'],
    ['white space', ' \n\u00A0\u200B', 'document_empty'],
    ['a Word document of 1997', stream('WordDocument'), 'unsupported_media_type'],
    ['an Excel workbook of 1997', stream('Workbook'), 'unsupported_media_type'],
    ['an Outlook message', stream('__properties_version1.0'), 'unsupported_media_type'],
    ['an encrypted Office file', stream('EncryptedPackage'), 'application/x-encrypted-office'],
    ['a PNG', Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), 'unsupported_media_type'],
    ['a gzip archive', Buffer.from('1f8b0800000000000003', 'hex'), 'unsupported_media_type'],
    [
      'an executable',
      Buffer.concat([Buffer.from('7f454c46020101', 'hex'), Buffer.alloc(60)]),
      'unsupported_media_type',
    ],
    ['a ZIP archive cut off', Buffer.from('504b0304000000000000', 'hex'), 'unsupported_media_type'],
    ['numbers', Buffer.from(Uint16Array.from({ length: 100 }, (_, index) => index * 3).buffer), 'document_binary'],
  ])('says of %s what it is', async (_, bytes, found) => {
    expect(await detect(bytes)).toBe(found);
  });

  test.each(['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'])('looks through %s', async (charset) => {
    expect(await detect(encodeText('\uFEFF<!doctype html><p>ä', charset))).toBe('html');
    expect(await detect(encodeText('<!doctype html><title>plain</title>', charset))).toBe('html');
  });
});

describe('claims', () => {
  test('a declared document type outweighs the name, and the name the media type', () => {
    expect(claimedMediaType({ documentType: 'code', name: 'a.md' })).toBe('text/x-source');
    expect(claimedMediaType({ name: 'a.md', mediaType: 'text/html' })).toBe('text/markdown');
    expect(claimedMediaType({ name: 'a', mediaType: 'text/html; charset=x' })).toBe('text/html');
    expect(claimedMediaType({ name: 'a', mediaType: 'text/plain' })).toBeNull();
  });

  test('are kept with their charset', () => {
    const written = writeClaim({ name: 'a.html', mediaType: 'text/plain; charset="Shift_JIS"' });
    expect(readClaim(written)).toEqual({ claimed: 'text/html', charset: 'Shift_JIS' });
    expect(readClaim(writeClaim({ mediaType: 'text/plain; charset=gbk' }))).toEqual({ claimed: null, charset: 'gbk' });
    expect(writeClaim({ name: 'README' })).toBeNull();
  });
});
