import { askSimilarities } from '../embedding/ask-embeddings.ts';
import { higherIsBetter } from '../metric.ts';
import type { Metric } from '../metric.ts';
import type { ValueSchema } from '../value-schema.ts';
import { askJudge } from './ask-judge.ts';

const schema: ValueSchema = {
  type: 'object',
  properties: {
    reason: { type: 'string' },
    noncommittal: {
      type: 'boolean',
      description: 'Whether the answer is evasive, vague or ambiguous, such as "I do not know".',
    },
    questions: { type: 'array', items: { type: 'string', minLength: 1 } },
  },
  required: ['reason', 'noncommittal', 'questions'],
  additionalProperties: false,
};

/**
 * The mean cosine of the question with questions that a model made from the answer alone; 0 for an answer that commits
 * itself to nothing. All questions are asked for at once, since at temperature 0 several calls would give the same one.
 */
export const answerRelevancy: Metric = {
  name: 'answer_relevancy',
  title: 'Answer relevancy',
  kind: 'judge',
  asks: () => ['judge', 'embedding'],
  range: () => [-1, 1],
  higherIsBetter,
  needs: ['answer', 'question'],
  parameters: {
    questions: {
      type: 'integer',
      minimum: 1,
      maximum: 10,
      default: 3,
      description: 'How many questions are made from the answer.',
    },
  },
  required: [],
  source: 'Es et al., "Ragas", 2023, section 3; ragas 0.4, ResponseRelevancy',
  *judge(input, parameters) {
    if (input.answer!.trim() === '') return { state: 'scored', score: 0, reason: 'The answer is empty.' };
    const count = Number(parameters['questions']);
    const judged = yield* askJudge<{ reason: string; noncommittal: boolean; questions: string[] }>(
      {
        purpose: 'questions from an answer',
        schemaName: 'questions',
        task:
          `You read an answer and write ${count} different questions that it answers, in the language of the answer, and ` +
          'say whether the answer is noncommittal.',
        data: { answer: input.answer },
        schema,
      },
      ({ questions }) => (questions.length === count ? null : `there must be exactly ${count} questions`),
    );
    if (judged.state === 'unscored') return judged;
    const { noncommittal, questions, reason } = judged.value;
    if (noncommittal) return { state: 'scored', score: 0, reason, details: { noncommittal, questions } };
    const compared = yield* askSimilarities('question and questions from the answer', input.question, questions);
    if (compared.state === 'unscored') return compared;
    const score = compared.cosines.reduce((sum, value) => sum + value, 0) / count;
    return { state: 'scored', score, reason, details: { questions, cosines: compared.cosines } };
  },
};
