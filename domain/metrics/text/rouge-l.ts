import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { bestReference, rightAnswers } from './best-reference.ts';
import { isComparable, tooLong } from './comparable-length.ts';
import { wordTokens } from './word-tokens.ts';

/** The length of the longest common subsequence of two lists. */
export function longestCommonSubsequence(one: readonly string[], other: readonly string[]): number {
  let row = new Uint32Array(other.length + 1);
  let next = new Uint32Array(other.length + 1);
  for (const token of one) {
    for (let at = 0; at < other.length; at += 1) {
      next[at + 1] = other[at] === token ? row[at]! + 1 : Math.max(row[at + 1]!, next[at]!);
    }
    [row, next] = [next, row];
  }
  return row[other.length]!;
}

/** ROUGE-L of whole texts: F1 of the longest common subsequence of words; 0 when a text has no word. */
export function compareSubsequence(answer: string, reference: string): number {
  const given = wordTokens(answer);
  const wanted = wordTokens(reference);
  const common = longestCommonSubsequence(given, wanted);
  return common === 0 ? 0 : (2 * common) / (given.length + wanted.length);
}

/** ROUGE-L as rouge_score computes it (`rougeL`, F-measure with beta 1, no stemmer); see wordTokens beyond ASCII. */
export const rougeL: Metric = {
  name: 'rouge_l',
  title: 'ROUGE-L',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer', 'expectedAnswer'],
  parameters: {},
  required: [],
  source: 'Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; rouge_score 0.1.2',
  judge: computedJudge((input) => {
    if (!rightAnswers(input).every((each) => isComparable(each.length, input.answer!.length))) return tooLong;
    return bestReference(input, compareSubsequence);
  }),
};
