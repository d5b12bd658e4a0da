import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { rightAnswers } from './best-reference.ts';

/** 1 when the answer holds a right answer, or any or all of the given values, as a part of its text; else 0. */
export const contains: Metric = {
  name: 'contains',
  title: 'Contains',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: {
    values: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      description: "What the answer shall hold; without values, one of the case's right answers.",
    },
    mode: { type: 'string', enum: ['any', 'all'], default: 'any', description: 'Whether one value is enough.' },
    case_sensitive: { type: 'boolean', default: false, description: 'Whether capital letters make a difference.' },
  },
  required: [],
  source: 'Substring test, as in HELM and OpenAI Evals ("Includes"); Unicode NFKC, white space folded',
  judge: computedJudge((input, parameters) => {
    const { values, mode, case_sensitive: isCaseSensitive } = parameters;
    const wanted = (values as readonly string[] | undefined) ?? rightAnswers(input);
    if (wanted.length === 0) return { state: 'not_applicable', reason: 'The case has no expected answer.' };
    const fold = (text: string) => {
      const plain = text.normalize('NFKC').replace(/\s+/g, ' ').trim();
      return isCaseSensitive === true ? plain : plain.toLowerCase();
    };
    const answer = fold(input.answer ?? '');
    const missing = wanted.filter((value) => !answer.includes(fold(value)));
    const holds = mode === 'all' ? missing.length === 0 : missing.length < wanted.length;
    return { state: 'scored', score: holds ? 1 : 0, ...(!holds && { details: { missing } }) };
  }),
};
