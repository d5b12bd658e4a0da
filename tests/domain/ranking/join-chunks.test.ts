import { expect, test } from '@jest/globals';
import { joinChunks } from '../../../domain/ranking/join-chunks.ts';

test('overlapping chunks join to the text between the first start and the last end, characters beyond the BMP included', () => {
  const text = 'One 🙂 two three. Four five 🙃 six seven.';
  const cuts = [
    [0, 14],
    [7, 24],
    [24, 30],
    [20, 29],
    [28, text.length],
  ] as const;
  const chunks = cuts.map(([start, end]) => ({ start, end, content: text.slice(start, end) }));
  expect(joinChunks(chunks)).toBe(text);
  expect(joinChunks(chunks.slice(1, 3))).toBe(text.slice(7, 30));
  expect(joinChunks([])).toBe('');
});
