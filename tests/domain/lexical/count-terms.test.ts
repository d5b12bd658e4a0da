import { expect, test } from '@jest/globals';
import { termCounter } from '../../../domain/lexical/count-terms.ts';
import { queryTerms } from '../../../domain/lexical/query-terms.ts';
import { termKeys, tierKey } from '../../../domain/lexical/term-keys.ts';

const workspace = '01a20365-008d-747b-9276-17e9c48703d9';
const keyOf = termKeys(workspace);

test('keys are whole numbers of at most 53 bits, those of another workspace are others, and they never change', () => {
  const keys = ['backup', 'café', '备份', ''].map(keyOf);
  for (const key of keys) expect(Number.isSafeInteger(key) && key >= 0).toBe(true);
  expect(keys).toEqual([4758871649321036, 7201165720024501, 1784484897951903, 4684979806790418]);
  expect(termKeys('01a20365-008d-747b-9276-17e9c48703d8')('backup')).not.toBe(keyOf('backup'));
});

test('100,000 terms have as many keys', () => {
  expect(new Set(Array.from({ length: 100_000 }, (_, index) => keyOf(`term${index}`))).size).toBe(100_000);
});

test('a chunk keeps its terms in the order of their keys, then the tiers that they reach', () => {
  const terms = ['a', 'b', 'b', 'c', 'c', 'c', 'c'];
  const { length, keys, frequencies } = termCounter(workspace)([{ terms, weight: 1 }]);
  expect(length).toBe(7);
  const sorted = ['a', 'b', 'c'].sort((x, y) => keyOf(x) - keyOf(y));
  expect(keys.slice(0, 3)).toEqual(sorted.map(keyOf));
  expect(frequencies).toEqual(sorted.map((term) => ({ a: 1, b: 2, c: 4 })[term]));
  expect(keys.slice(3)).toEqual([
    ...sorted.filter((term) => term !== 'a').map((term) => tierKey(keyOf(term), 1)),
    tierKey(keyOf('c'), 2),
  ]);
  const numbers = keys.map(BigInt);
  expect(numbers.every((key, place) => place === 0 || numbers[place - 1]! < key)).toBe(true);
});

test('a part of weight two counts twice', () => {
  const count = termCounter(workspace);
  const parts = [
    { terms: ['title'], weight: 2 },
    { terms: ['text'], weight: 1 },
  ];
  expect(count(parts)).toEqual(count([{ terms: ['title', 'title', 'text'], weight: 1 }]));
});

test('a query counts a term as often as it is said, and once for all languages that agree on it', () => {
  expect(
    queryTerms(workspace, [
      ['run', 'run', 'server'],
      ['running', 'run', 'server'],
    ]),
  ).toEqual({
    terms: ['run', 'server', 'running'],
    keys: ['run', 'server', 'running'].map(keyOf),
    weights: [2, 1, 1],
  });
});
