import { expect, test } from '@jest/globals';
import { selectHits } from '../../../domain/ranking/select-hits.ts';

const ranked = (...each: [string, number][]) => each.map(([documentId, score]) => ({ documentId, score }));

test('the first ones up to the limit are hits, and of each document no more than allowed', () => {
  const list = ranked(['a', 9], ['a', 8], ['a', 7], ['b', 6], ['c', 5]);
  expect(selectHits(list, { limit: 3, minScore: null, maxPerDocument: 2 })).toEqual([
    null,
    null,
    'max_per_document',
    null,
    'limit',
  ]);
  expect(selectHits(list, { limit: 2, minScore: null, maxPerDocument: null })).toEqual([
    null,
    null,
    'limit',
    'limit',
    'limit',
  ]);
});

test('a score below the least is no hit and takes no place', () => {
  const list = ranked(['a', 0.9], ['b', 0.5], ['c', 0.49]);
  expect(selectHits(list, { limit: 3, minScore: 0.5, maxPerDocument: null })).toEqual([null, null, 'min_score']);
  expect(selectHits(list, { limit: 3, minScore: 2, maxPerDocument: null })).toEqual(Array(3).fill('min_score'));
});
