import { asksJudge, higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { askVerdicts } from './ask-judge.ts';

/** The mean of precision at each place that holds something useful; 0 when nothing is. `verdicts` in the order of the ranking. */
export function averagePrecision(verdicts: readonly boolean[]): number {
  let useful = 0;
  let sum = 0;
  for (const [index, verdict] of verdicts.entries()) {
    if (!verdict) continue;
    useful += 1;
    sum += useful / (index + 1);
  }
  return useful === 0 ? 0 : sum / useful;
}

/** Whether the passages that help to the expected answer stand first: the average precision of the judge's verdicts. */
export const contextPrecision: Metric = {
  name: 'context_precision',
  title: 'Context precision',
  kind: 'judge',
  asks: asksJudge,
  range: unitRange,
  higherIsBetter,
  needs: ['expectedAnswer'],
  parameters: {},
  required: [],
  source: 'ragas 0.4, LLMContextPrecisionWithReference',
  *judge(input) {
    if (input.contexts.length === 0) return { state: 'scored', score: 0, reason: 'There were no passages.' };
    const judged = yield* askVerdicts(
      {
        purpose: 'passages that help to the expected answer',
        schemaName: 'verdicts',
        task: 'You judge for each passage whether it was useful in arriving at the expected answer to a question.',
        data: { question: input.question, expected_answer: input.expectedAnswer },
        itemsName: 'passages',
        verdict: 'Whether the passage was useful.',
      },
      input.contexts.map(({ text }) => text),
    );
    if (judged.state === 'unscored') return judged;
    const useful = judged.value.filter(({ verdict }) => verdict).length;
    return {
      state: 'scored',
      score: averagePrecision(judged.value.map(({ verdict }) => verdict)),
      reason: `${useful} of ${judged.value.length} passages are useful.`,
      details: { passages: judged.value.map(({ verdict, reason }) => ({ useful: verdict, reason })) },
    };
  },
};
