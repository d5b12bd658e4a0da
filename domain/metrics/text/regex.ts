import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';

/** 1 when the answer has a match of a regular expression of JavaScript, else 0. */
export const regex: Metric = {
  name: 'regex',
  title: 'Regular expression',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: {
    pattern: { type: 'string', minLength: 1, description: 'A regular expression of JavaScript, without slashes.' },
    flags: { type: 'string', default: 'u', description: 'Its flags, of i, m, s and u.' },
  },
  required: ['pattern'],
  source: 'ECMA-262, RegExp',
  *judge(input, parameters) {
    const flags = String(parameters['flags']);
    // `g` and `y` keep a place between two uses; the others are new to some engines.
    if (!/^(?!.*(.).*\1)[imsu]*$/.test(flags)) {
      return { state: 'unscored', reason: `The flags "${flags}" are not of i, m, s and u, each once.` };
    }
    const pattern = String(parameters['pattern']);
    const reply = yield { kind: 'pattern', pattern, flags, text: input.answer ?? '' };
    if (reply.state === 'checked') return { state: 'scored', score: reply.mistakes.length === 0 ? 1 : 0 };
    return { state: 'unscored', reason: reply.state === 'failed' ? reply.reason : 'The check gave no result.' };
  },
};
