import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { rightAnswers } from './best-reference.ts';
import { bleuFrom, countNgrams } from './bleu-counts.ts';
import { bleuTokens } from './bleu-tokens.ts';
import type { BleuTokenizer } from './bleu-tokens.ts';

/**
 * BLEU of one answer against all right answers, from 0 to 1 (sacreBLEU's `sentence_bleu` / 100). The mean over cases is not
 * the BLEU of the corpus; `details.counts` of each case are what that is computed from.
 */
export const bleu: Metric = {
  name: 'bleu',
  title: 'BLEU',
  kind: 'text',
  range: unitRange,
  higherIsBetter,
  needs: ['answer', 'expectedAnswer'],
  parameters: {
    tokenize: {
      type: 'string',
      enum: ['13a', 'zh', 'char', 'none'],
      default: '13a',
      description: "sacreBLEU's tokenizer: 13a, zh for Chinese, char for other scripts without spaces, none.",
    },
    lowercase: { type: 'boolean', default: false, description: 'Whether capital letters make no difference.' },
  },
  required: [],
  source: 'Papineni et al., "BLEU", 2002; Post, "A Call for Clarity in Reporting BLEU Scores", 2018; sacreBLEU 2.6.0',
  judge: computedJudge((input, parameters) => {
    const fold = (text: string) => (parameters['lowercase'] === true ? text.toLowerCase() : text);
    const tokenize = (text: string) => bleuTokens(fold(text), parameters['tokenize'] as BleuTokenizer);
    const counts = countNgrams(tokenize(input.answer ?? ''), rightAnswers(input).map(tokenize));
    return { state: 'scored', score: bleuFrom(counts, { isEffectiveOrder: true }), details: { counts } };
  }),
};
