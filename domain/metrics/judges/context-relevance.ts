import { asksJudge, higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import type { ValueSchema } from '../value-schema.ts';
import { askJudge } from './ask-judge.ts';
import { sentencesOf } from './sentences-of.ts';

const schema: ValueSchema = {
  type: 'object',
  properties: {
    reason: { type: 'string' },
    needed: { type: 'array', items: { type: 'integer' }, description: 'The numbers of the sentences that are needed.' },
  },
  required: ['reason', 'needed'],
  additionalProperties: false,
};

// So many fit a prompt with room to spare.
const perCall = 200;

/** The share of the passages' sentences that are needed to answer the question; no passages have none of them. */
export const contextRelevance: Metric = {
  name: 'context_relevance',
  title: 'Context relevance',
  kind: 'judge',
  asks: asksJudge,
  range: unitRange,
  higherIsBetter,
  needs: ['question'],
  parameters: {},
  required: [],
  source: 'Es et al., "Ragas", 2023, section 3: extracted sentences / all sentences',
  *judge(input) {
    const sentences = input.contexts.flatMap(({ text }) => sentencesOf(text));
    if (sentences.length === 0) return { state: 'scored', score: 0, reason: 'There were no passages.' };
    const needed = new Set<number>();
    const reasons: string[] = [];
    for (let from = 0; from < sentences.length; from += perCall) {
      const numbered = sentences.slice(from, from + perCall).map((text, index) => ({ n: from + index + 1, text }));
      const last = from + numbered.length;
      const judged = yield* askJudge<{ reason: string; needed: number[] }>(
        {
          purpose: 'sentences that are needed',
          schemaName: 'needed_sentences',
          task:
            'You pick from numbered sentences those that help to answer a question. If none of them does, give an empty ' +
            'list.',
          data: { question: input.question, sentences: numbered },
          schema,
        },
        (value) =>
          value.needed.every((n) => n > from && n <= last) ? null : `the numbers must be of ${from + 1} to ${last}`,
      );
      if (judged.state === 'unscored') return judged;
      for (const n of judged.value.needed) needed.add(n);
      reasons.push(judged.value.reason);
    }
    return {
      state: 'scored',
      score: needed.size / sentences.length,
      reason: reasons.join(' '),
      details: { sentences: sentences.length, needed: [...needed].sort((a, b) => a - b).map((n) => sentences[n - 1]) },
    };
  },
};
