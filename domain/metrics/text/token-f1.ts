import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { compareSquad } from './compare-squad.ts';
import { countOverlap } from './count-overlap.ts';
import { refusalPhrasesSchema } from './is-refusal.ts';
import { normalizeAnswer } from './normalize-answer.ts';
import { answerTokens } from './word-tokens.ts';

/**
 * The harmonic mean of precision and recall over the bags of tokens of answer and reference, normalised as SQuAD does
 * (`compute_f1`). When one of them has no token, 1 if both have none, else 0.
 */
export function compareTokens(answer: string, reference: string): number {
  const given = answerTokens(normalizeAnswer(answer));
  const wanted = answerTokens(normalizeAnswer(reference));
  if (given.length === 0 || wanted.length === 0) return given.length === wanted.length ? 1 : 0;
  return (2 * countOverlap(given, wanted)) / (given.length + wanted.length);
}

/** Token F1 of SQuAD; Chinese, Japanese, Thai, Lao, Khmer and Burmese by characters, as MLQA takes Chinese. */
export const tokenF1: Metric = {
  name: 'token_f1',
  title: 'Token F1',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: { refusal_phrases: refusalPhrasesSchema },
  required: [],
  source: 'SQuAD 2.0, evaluate-v2.0.py (Rajpurkar, Jia and Liang 2018); MLQA (Lewis et al. 2020) for characters',
  judge: computedJudge((input, parameters) => compareSquad(input, parameters, compareTokens)),
};
