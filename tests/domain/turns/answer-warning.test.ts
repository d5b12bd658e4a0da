import { expect, test } from '@jest/globals';
import { answerWarning } from '../../../domain/turns/answer-warning.ts';

test('an answer that is whole needs no warning', () => {
  expect(answerWarning('Yes.', 'stop')).toBeNull();
  expect(answerWarning('Yes.', 'other')).toBeNull();
});

test.each([
  ['Once upon a', 'length', 'answer_cut', /max_tokens/],
  ['', 'length', 'answer_cut', /max_tokens/],
  ['Once', 'content-filter', 'answer_filtered', /content filter/],
  [' \n', 'stop', 'answer_empty', /without a word/],
  // At a limit tools cannot be called, and some models do so all the same.
  ['', 'tool-calls', 'answer_empty', /without a word/],
])('%j, ended by %s, is told as %s', (said, finish, code, detail) => {
  expect(answerWarning(said, finish)).toEqual({ code, detail: expect.stringMatching(detail) });
});
