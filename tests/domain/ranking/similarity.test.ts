import { expect, test } from '@jest/globals';
import { leastSimilarity, similarity } from '../../../domain/ranking/similarity.ts';

test('the closer, the larger: the cosine and the inner product themselves, and 1 at no L2 distance', () => {
  expect([0, 1, 2].map((distance) => similarity('cosine', distance))).toEqual([1, 0, -1]);
  expect([0, 1, 3].map((distance) => similarity('l2', distance))).toEqual([1, 0.5, 0.25]);
  expect([-2, 0, 3].map((distance) => similarity('inner_product', distance))).toEqual([2, -0, -3]);
});

test('the least that a metric can give is what its largest distance gives', () => {
  expect(leastSimilarity('cosine')).toBe(similarity('cosine', 2));
  expect(leastSimilarity('l2')).toBe(similarity('l2', Number.POSITIVE_INFINITY));
  expect(leastSimilarity('inner_product')).toBeNull();
});
