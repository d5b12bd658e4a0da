import { expect, test } from '@jest/globals';
import { candidateDepth } from '../../../domain/ranking/candidate-depth.ts';

test('five candidates for each hit, never fewer than 50 nor more than 500, and twice as many neighbours', () => {
  expect(candidateDepth(1)).toEqual({ candidates: 50, efSearch: 100 });
  expect(candidateDepth(10)).toEqual({ candidates: 50, efSearch: 100 });
  expect(candidateDepth(40)).toEqual({ candidates: 200, efSearch: 400 });
  expect(candidateDepth(100)).toEqual({ candidates: 500, efSearch: 1000 });
});
