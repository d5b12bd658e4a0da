import { describe, expect, test } from '@jest/globals';
import { rtfParser } from '../../../../providers/parsers/formats/rtf/rtf-parser.ts';
import { parseBytes } from './parse-bytes.ts';

async function textOf(body: string): Promise<string> {
  return (await parseBytes(rtfParser, Buffer.from(`{\\rtf1\\ansi\\ansicpg1252 ${body}}`, 'latin1'))).text;
}

describe('rtfParser', () => {
  test('reads characters of every code page that fonts name, and Unicode with its fallback', async () => {
    const fonts = '{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset204 B;}{\\f2\\fcharset128 C;}}';
    expect(
      await textOf(`${fonts}Caf\\'e9 \\u8364? {\\f1\\'cf\\'f0\\'e8} {\\f2\\'93\\'fa\\'96\\'7b} \\u-10179?\\u-8704?`),
    ).toBe('Café € При 日本 \u{1F600}\n');
  });

  test('keeps headings, list items, tables and footnotes', async () => {
    const styles = '{\\stylesheet{\\s0 Normal;}{\\s1 heading 1;}}';
    const table = '\\trowd\\intbl a\\cell b\\cell\\row\\trowd\\intbl 1\\cell 2\\cell\\row\\pard ';
    expect(
      await textOf(
        `${styles}\\pard\\s1 Chapter\\par\\pard Text{\\footnote note}.\\par{\\listtext 1.\\tab}one\\par{\\listtext\\'b7\\tab}two\\par${table}End\\par`,
      ),
    ).toBe('# Chapter\n\nText [note].\n\n1. one\n- two\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\nEnd\n');
  });

  test('leaves out hidden text, pictures and data of programs', async () => {
    expect(
      await textOf(
        '{\\*\\generator Word}{\\pict 0102}a{\\v hidden}\\bin4 {{{{b{\\field{\\*\\fldinst LINK}{\\fldrslt c}}',
      ),
    ).toBe('abc\n');
  });

  test('has each header and footer once, at the end', async () => {
    const marginal = '{\\header Letter \\intbl of\\cell Ann\\par}';
    expect(await textOf(`${marginal}First\\par${marginal}{\\footerr Page {\\chpgn}}Second\\par`)).toBe(
      'First\n\nSecond\n\nLetter of Ann\n\nPage\n',
    );
  });

  test('ends on damaged groups, and refuses what is none', async () => {
    expect(await textOf(`${'{'.repeat(50_000)}deep`)).toBe('deep\n');
    expect(await textOf('}}}after')).toBe('after\n');
    await expect(parseBytes(rtfParser, Buffer.from('text'))).rejects.toMatchObject({ code: 'document_corrupt' });
  });
});
