import { asksJudge, higherIsBetter, unitRange } from '../metric.ts';
import type { Metric } from '../metric.ts';
import { askVerdicts } from './ask-judge.ts';
import { extractClaims } from './extract-claims.ts';

/**
 * The share of the answer's claims that follow from the passages that the target was given. An answer without claims, such
 * as a refusal, has nothing to be faithful with; claims without any passage follow from none.
 */
export const faithfulness: Metric = {
  name: 'faithfulness',
  title: 'Faithfulness',
  kind: 'judge',
  asks: asksJudge,
  range: unitRange,
  higherIsBetter,
  needs: ['answer'],
  parameters: {
    decompose: {
      type: 'boolean',
      default: true,
      description: 'Whether the answer is taken apart into claims first; false judges it as one claim.',
    },
  },
  required: [],
  source: 'Es et al., "Ragas: Automated Evaluation of Retrieval Augmented Generation", 2023, section 3; ragas 0.4',
  *judge(input, parameters) {
    const answer = input.answer!;
    const whole = [answer.trim()].filter(Boolean);
    const extracted =
      parameters['decompose'] === false
        ? { state: 'judged' as const, value: whole }
        : yield* extractClaims(input.question, answer);
    if (extracted.state === 'unscored') return extracted;
    const claims = extracted.value;
    if (claims.length === 0) return { state: 'not_applicable', reason: 'The answer makes no claim.' };
    if (input.contexts.length === 0) {
      return { state: 'scored', score: 0, reason: 'There were no passages to follow from.', details: { claims } };
    }
    const judged = yield* askVerdicts(
      {
        purpose: 'claims that follow from the passages',
        schemaName: 'verdicts',
        task:
          'You judge whether claims follow from passages. A claim follows when everything it says can be inferred from the ' +
          'passages directly. A claim that they contradict or do not mention does not follow.',
        data: { passages: input.contexts.map(({ text }) => text) },
        itemsName: 'claims',
        verdict: 'Whether the claim follows from the passages.',
      },
      claims,
    );
    if (judged.state === 'unscored') return judged;
    const supported = judged.value.filter(({ verdict }) => verdict).length;
    return {
      state: 'scored',
      score: supported / claims.length,
      reason: `${supported} of ${claims.length} claims follow from the passages.`,
      details: {
        claims: judged.value.map(({ verdict, reason }, index) => ({
          claim: claims[index],
          supported: verdict,
          reason,
        })),
      },
    };
  },
};
