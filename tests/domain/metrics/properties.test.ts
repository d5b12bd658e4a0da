import { describe, expect, test } from '@jest/globals';
import { seededIndexes } from '../../../domain/metrics/aggregate/seeded-random.ts';
import { levenshteinDistance } from '../../../domain/metrics/text/levenshtein.ts';
import { compareSubsequence } from '../../../domain/metrics/text/rouge-l.ts';
import { compareTokens } from '../../../domain/metrics/text/token-f1.ts';
import { valueOf } from './score-with.ts';

const pieces = [
  'the',
  'Water',
  'pump,',
  '3.5',
  'é',
  'ß',
  '中文',
  'かな',
  'ไทย',
  '👍',
  '-',
  ' ',
  '\n',
  'a',
  '&amp;',
  'мир',
];
const textMetrics = ['exact_match', 'token_f1', 'rouge_l', 'bleu', 'levenshtein', 'contains'];

/** Texts of all kinds, the same each time. */
function texts(count: number, seed: number): string[] {
  const draw = seededIndexes(seed);
  return Array.from({ length: count }, () =>
    Array.from({ length: draw(12) }, () => pieces[draw(pieces.length)]!).join(draw(3) === 0 ? '' : ' '),
  );
}

describe('of any two texts', () => {
  const ones = texts(200, 1);
  const others = texts(200, 2);

  test.each(textMetrics)('%s is from 0 to 1, and 1 for a text with a word against itself', (name) => {
    for (const [index, answer] of ones.entries()) {
      const value = valueOf(name, { answer, expectedAnswer: others[index]! });
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      if (/[\p{L}\p{N}]{2}/u.test(answer)) expect(valueOf(name, { answer, expectedAnswer: answer })).toBeCloseTo(1, 9);
    }
  });

  test('F1 of words, ROUGE-L and the edit distance are the same both ways', () => {
    for (const [index, one] of ones.entries()) {
      const other = others[index]!;
      expect(compareTokens(one, other)).toBeCloseTo(compareTokens(other, one), 12);
      expect(compareSubsequence(one, other)).toBeCloseTo(compareSubsequence(other, one), 12);
      expect(levenshteinDistance(one, other)).toBe(levenshteinDistance(other, one));
    }
  });

  test('the edit distance is never longer than a way round', () => {
    for (let index = 2; index < ones.length; index += 1) {
      const [a, b, c] = [ones[index]!, others[index]!, ones[index - 1]!];
      expect(levenshteinDistance(a, c)).toBeLessThanOrEqual(levenshteinDistance(a, b) + levenshteinDistance(b, c));
    }
  });

  test('another right answer never makes the best match worse', () => {
    for (const [index, answer] of ones.entries()) {
      const expectedAnswer = others[index]!;
      const alternativeAnswers = [others[(index + 7) % others.length]!];
      for (const name of ['exact_match', 'token_f1', 'rouge_l', 'levenshtein', 'contains']) {
        const alone = valueOf(name, { answer, expectedAnswer });
        expect(valueOf(name, { answer, expectedAnswer, alternativeAnswers })).toBeGreaterThanOrEqual(alone);
      }
    }
  });
});

test('of any ranking, each measure is from 0 to 1, and nDCG is 1 for the ideal one alone', () => {
  const draw = seededIndexes(3);
  for (let trial = 0; trial < 200; trial += 1) {
    const grades = Array.from({ length: 1 + draw(8) }, (_, index) => ({ key: `d${index}`, grade: 1 + draw(3) }));
    const pool = [...grades.map(({ key }) => key), 'x', 'y', 'z'];
    const ranked = pool.filter(() => draw(3) > 0).sort(() => draw(2) - 0.5);
    for (const name of ['recall@4', 'precision@4', 'ndcg@4', 'hit_rate@4', 'mrr', 'id_context_precision']) {
      const value = valueOf(name, { ranked, relevant: grades });
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
    }
    const ideal = grades.toSorted((a, b) => b.grade - a.grade).map(({ key }) => key);
    expect(valueOf('ndcg@4', { ranked: ideal, relevant: grades })).toBeCloseTo(1, 12);
    expect(valueOf('ndcg@4', { ranked: ['x', ...ideal], relevant: grades })).toBeLessThan(1);
  }
});
