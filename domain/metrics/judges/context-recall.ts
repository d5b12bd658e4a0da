import { asksJudge, higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { askVerdicts } from './ask-judge.ts';
import { sentencesOf } from './sentences-of.ts';

/** The share of the expected answer's sentences that can be attributed to the passages. */
export const contextRecall: Metric = {
  name: 'context_recall',
  title: 'Context recall',
  kind: 'judge',
  asks: asksJudge,
  range: unitRange,
  higherIsBetter,
  needs: ['expectedAnswer'],
  parameters: {},
  required: [],
  source: 'ragas 0.4, LLMContextRecall',
  *judge(input) {
    const sentences = sentencesOf(input.expectedAnswer!);
    if (sentences.length === 0) return { state: 'not_applicable', reason: 'The expected answer is empty.' };
    if (input.contexts.length === 0) return { state: 'scored', score: 0, reason: 'There were no passages.' };
    const judged = yield* askVerdicts(
      {
        purpose: 'sentences of the expected answer in the passages',
        schemaName: 'verdicts',
        task:
          'You judge for each sentence of the expected answer to a question whether it can be attributed to the passages: ' +
          'whether they say what it says.',
        data: { question: input.question, passages: input.contexts.map(({ text }) => text) },
        itemsName: 'sentences',
        verdict: 'Whether the sentence can be attributed to the passages.',
      },
      sentences,
    );
    if (judged.state === 'unscored') return judged;
    const attributed = judged.value.filter(({ verdict }) => verdict).length;
    return {
      state: 'scored',
      score: attributed / sentences.length,
      reason: `${attributed} of ${sentences.length} sentences of the expected answer are in the passages.`,
      details: {
        sentences: judged.value.map(({ verdict, reason }, index) => ({
          sentence: sentences[index],
          attributed: verdict,
          reason,
        })),
      },
    };
  },
};
