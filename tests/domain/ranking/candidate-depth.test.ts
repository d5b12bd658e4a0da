import { expect, test } from '@jest/globals';
import { candidateDepth } from '../../../domain/ranking/candidate-depth.ts';

test('five candidates for each hit, never fewer than 50 nor more than 500, and four times as many neighbours', () => {
  expect(candidateDepth(1)).toEqual({ candidates: 50, efSearch: 200 });
  expect(candidateDepth(10)).toEqual({ candidates: 50, efSearch: 200 });
  expect(candidateDepth(40)).toEqual({ candidates: 200, efSearch: 800 });
  expect(candidateDepth(100)).toEqual({ candidates: 500, efSearch: 1000 });
});
