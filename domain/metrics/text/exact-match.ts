import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { compareSquad } from './compare-squad.ts';
import { refusalPhrasesSchema } from './is-refusal.ts';
import { normalizeAnswer } from './normalize-answer.ts';

/** 1 when the answer equals a right one after SQuAD's normalisation, or letter by letter, else 0 (`compute_exact`). */
export const exactMatch: Metric = {
  name: 'exact_match',
  title: 'Exact match',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: {
    normalization: {
      type: 'string',
      enum: ['squad', 'none'],
      default: 'squad',
      description: 'squad: case, punctuation, English articles and white space make no difference. none: all do.',
    },
    refusal_phrases: refusalPhrasesSchema,
  },
  required: [],
  source: 'SQuAD 2.0, evaluate-v2.0.py (Rajpurkar, Jia and Liang 2018)',
  judge: computedJudge((input, parameters) => {
    const fold = parameters['normalization'] === 'none' ? (text: string) => text : normalizeAnswer;
    return compareSquad(input, parameters, (answer, reference) => (fold(answer) === fold(reference) ? 1 : 0));
  }),
};
