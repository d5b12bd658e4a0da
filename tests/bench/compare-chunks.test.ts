import { describe, expect, test } from '@jest/globals';
import { compareChunks } from '../../bench/peers/compare-chunks.ts';

const chunk = (path: string, content: string) => ({ path, content });

describe('what is stored after a kill', () => {
  test('differs in nothing, in whatever order, also where a document repeats itself', () => {
    const expected = [chunk('a', 'one'), chunk('a', 'one'), chunk('b', 'one')];
    expect(compareChunks(expected, expected.toReversed())).toEqual({
      duplicates: 0,
      missing: 0,
      incompleteDocuments: 0,
    });
  });

  test('counts a chunk that is there once more, and one that belongs to no document, as too many', () => {
    const expected = [chunk('a', 'one'), chunk('b', 'two')];
    const stored = [...expected, chunk('a', 'one'), chunk('b', 'one')];
    expect(compareChunks(expected, stored)).toEqual({ duplicates: 2, missing: 0, incompleteDocuments: 0 });
  });

  test('counts each chunk that is not there, and its document once', () => {
    const expected = [chunk('a', 'one'), chunk('a', 'two'), chunk('a', 'two'), chunk('b', 'one')];
    const stored = [chunk('a', 'two'), chunk('b', 'one')];
    expect(compareChunks(expected, stored)).toEqual({ duplicates: 0, missing: 2, incompleteDocuments: 1 });
  });
});
