import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { bestReference, rightAnswers } from './best-reference.ts';
import { isComparable, tooLong } from './comparable-length.ts';

/**
 * The least number of characters (Unicode code points) to insert, delete or replace so that one text becomes the other
 * (Levenshtein 1966; Wagner and Fischer 1974), in memory of one row.
 */
export function levenshteinDistance(one: string, other: string): number {
  const left = Array.from(one);
  const right = Array.from(other);
  let row = Uint32Array.from({ length: right.length + 1 }, (_, index) => index);
  let next = new Uint32Array(right.length + 1);
  for (const [index, character] of left.entries()) {
    next[0] = index + 1;
    for (let at = 0; at < right.length; at += 1) {
      const replaced = row[at]! + (right[at] === character ? 0 : 1);
      next[at + 1] = Math.min(replaced, row[at + 1]! + 1, next[at]! + 1);
    }
    [row, next] = [next, row];
  }
  return row[right.length]!;
}

/** 1 - distance / length of the longer text: 1 for equal texts, 0 for texts with nothing in common; case counts. */
export const levenshtein: Metric = {
  name: 'levenshtein',
  title: 'Levenshtein similarity',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer', 'expectedAnswer'],
  parameters: {},
  required: [],
  source: 'Levenshtein 1966, normalised as rapidfuzz (Levenshtein.normalized_similarity) and autoevals do',
  judge: computedJudge((input) => {
    if (!rightAnswers(input).every((each) => isComparable(each.length, input.answer!.length))) return tooLong;
    return bestReference(input, (answer, reference) => {
      const longest = Math.max(Array.from(answer).length, Array.from(reference).length);
      return longest === 0 ? 1 : 1 - levenshteinDistance(answer, reference) / longest;
    });
  }),
};
