import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { isRefusal, refusalPhrasesSchema } from '../text/is-refusal.ts';
import type { ValueSchema } from '../value-schema.ts';
import { askJudge } from './ask-judge.ts';

const schema: ValueSchema = {
  type: 'object',
  properties: {
    reason: { type: 'string' },
    refuses: {
      type: 'boolean',
      description: 'Whether the answer says that it cannot or will not answer the question.',
    },
  },
  required: ['reason', 'refuses'],
  additionalProperties: false,
};

/**
 * 1 when a question without an answer was refused, or one with an answer was not; else 0. With `phrases`, an answer that
 * holds one of them is a refusal and no model is asked; an empty answer always is one.
 */
export const refusal: Metric = {
  name: 'refusal',
  title: 'Refusal',
  kind: 'judge',
  asks: ({ phrases }) => (phrases === undefined ? ['judge'] : []),
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: { phrases: refusalPhrasesSchema },
  required: [],
  source: 'Rajpurkar, Jia and Liang, "Know What You Don\'t Know", 2018: HasAns and NoAns as a decision',
  *judge(input, parameters) {
    const phrases = parameters['phrases'] as readonly string[] | undefined;
    const score = (refuses: boolean, reason: string) =>
      ({
        state: 'scored',
        score: refuses === input.isUnanswerable ? 1 : 0,
        reason,
        details: { refuses, is_unanswerable: input.isUnanswerable },
      }) as const;
    if (phrases !== undefined || input.answer!.trim() === '') {
      const refuses = isRefusal(input.answer!, phrases ?? []);
      return score(refuses, refuses ? 'The answer is empty or holds a phrase of refusal.' : 'No phrase of refusal.');
    }
    const judged = yield* askJudge<{ reason: string; refuses: boolean }>({
      purpose: 'whether an answer refuses',
      schemaName: 'refusal',
      task:
        'You judge whether an answer refuses a question: whether it says that the answer is unknown, not in the documents, ' +
        'or will not be given. An answer that states an answer as well, whether right or wrong, does not refuse.',
      data: { question: input.question, answer: input.answer },
      schema,
    });
    return judged.state === 'unscored' ? judged : score(judged.value.refuses, judged.value.reason);
  },
};
