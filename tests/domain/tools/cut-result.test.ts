import { describe, expect, test } from '@jest/globals';
import { cutResult } from '../../../domain/tools/cut-result.ts';

const bytes = (text: string) => Buffer.byteLength(text);

describe('cutResult', () => {
  test('leaves alone what fits, to the byte', () => {
    expect(cutResult('abc', 3)).toEqual({ content: 'abc', truncated: false, bytes: 3 });
    expect(cutResult('', 300)).toEqual({ content: '', truncated: false, bytes: 0 });
    expect(cutResult('äöü', 6)).toEqual({ content: 'äöü', truncated: false, bytes: 6 });
  });

  test('keeps the head and says how much is missing, within the limit', () => {
    const cut = cutResult('x'.repeat(1000), 300);
    expect(cut).toMatchObject({ truncated: true, bytes: 1000 });
    expect(cut.content).toMatch(/^x+\n\[cut: \d+ of 1000 bytes are missing\]$/);
    const kept = cut.content.indexOf('\n');
    expect(cut.content).toContain(`[cut: ${1000 - kept} of 1000`);
    expect(bytes(cut.content)).toBeLessThanOrEqual(300);
    expect(bytes(cut.content)).toBeGreaterThan(295);
  });

  test.each(['ä', '你', '😀', '👩‍👩‍👧', 'a你😀é'])('splits no character of %s, whatever the limit', (sample) => {
    const text = sample.repeat(200);
    for (let limit = 60; limit < 90; limit += 1) {
      const { content } = cutResult(text, limit);
      expect(content.isWellFormed()).toBe(true);
      expect(bytes(content)).toBeLessThanOrEqual(limit);
      const head = content.slice(0, content.indexOf('\n'));
      expect(text.startsWith(head)).toBe(true);
      expect(Buffer.from(head).toString()).toBe(head);
    }
  });

  test('counts what was never read, and fits a limit that has room for the note alone', () => {
    expect(cutResult('abc', 100, 5_000_000)).toEqual({
      content: 'abc\n[cut: 4999997 of 5000000 bytes are missing]',
      truncated: true,
      bytes: 5_000_000,
    });
    expect(bytes(cutResult('x'.repeat(100), 10).content)).toBe(10);
  });
});
