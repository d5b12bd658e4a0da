import { asksJudge, higherIsBetter } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { boundsOf, boundsSchema } from '../score-bounds.ts';
import { askJudge } from './ask-judge.ts';

/** A grade by a rubric in words, on its own scale; the judge gives its reason before the grade. */
export const rubric: Metric = {
  name: 'rubric',
  title: 'Rubric',
  kind: 'judge',
  asks: asksJudge,
  range: (parameters) => boundsOf(parameters, 'scale'),
  higherIsBetter,
  needs: ['answer'],
  parameters: {
    rubric: { type: 'string', minLength: 1, description: 'What is judged, and what each grade means.' },
    scale: boundsSchema('integer', { default: [1, 5], description: 'The lowest and the highest grade.' }),
    with_contexts: { type: 'boolean', default: false, description: 'Whether the judge sees the passages too.' },
    with_expected: { type: 'boolean', default: true, description: 'Whether the judge sees the expected answer too.' },
  },
  required: ['rubric'],
  source: 'Liu et al., "G-Eval", 2023, without weighting by token probabilities; Zheng et al., "LLM-as-a-Judge", 2023',
  *judge(input, parameters) {
    const [minimum, maximum] = boundsOf(parameters, 'scale');
    const hasExpected = parameters['with_expected'] === true && input.expectedAnswer !== null;
    const judged = yield* askJudge<{ reason: string; grade: number }>({
      purpose: 'grade by a rubric',
      schemaName: 'grade',
      task:
        `You grade the answer to a question with a whole number from ${minimum} to ${maximum}, where ${maximum} is the ` +
        `best, by this rubric alone:\n\n${String(parameters['rubric'])}`,
      data: {
        question: input.question,
        ...(input.messages.length > 1 && { conversation: input.messages }),
        answer: input.answer,
        ...(hasExpected && { expected_answer: input.expectedAnswer }),
        ...(parameters['with_contexts'] === true && { passages: input.contexts.map(({ text }) => text) }),
      },
      schema: {
        type: 'object',
        properties: { reason: { type: 'string' }, grade: { type: 'integer', minimum, maximum } },
        required: ['reason', 'grade'],
        additionalProperties: false,
      },
    });
    if (judged.state === 'unscored') return judged;
    return { state: 'scored', score: judged.value.grade, reason: judged.value.reason };
  },
};
