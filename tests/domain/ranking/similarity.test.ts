import { expect, test } from '@jest/globals';
import { similarity } from '../../../domain/ranking/similarity.ts';

test('the closer, the larger: the cosine itself, and 1 at no L2 distance', () => {
  expect([0, 1, 2].map((distance) => similarity('cosine', distance))).toEqual([1, 0, -1]);
  expect([0, 1, 3].map((distance) => similarity('l2', distance))).toEqual([1, 0.5, 0.25]);
});
