import { askSimilarities } from '../embedding/ask-embeddings.ts';
import { unitRange, higherIsBetter } from '../metric.ts';
import type { Metric, MetricReply, MetricRequest } from '../metric.ts';
import { askVerdicts } from './ask-judge.ts';
import type { Judged, Verdict } from './ask-judge.ts';
import { extractClaims } from './extract-claims.ts';

/**
 * F1 of the claims of answer and expected answer, 3/4, and the cosine of their embeddings, 1/4. A claim of the answer that
 * the expected answer supports is a true positive, another one a false positive; a claim of the expected answer that the
 * answer does not make is a false negative. A negative cosine counts as 0.
 */
export const answerCorrectness: Metric = {
  name: 'answer_correctness',
  title: 'Answer correctness',
  kind: 'judge',
  asks: (parameters) => (parameters['factuality_weight'] === 1 ? ['judge'] : ['judge', 'embedding']),
  range: unitRange,
  higherIsBetter,
  needs: ['answer', 'expectedAnswer'],
  parameters: {
    factuality_weight: {
      type: 'number',
      minimum: 0,
      maximum: 1,
      default: 0.75,
      description: 'What the claims count; the rest is what the embeddings count. 1 needs no embedding model.',
    },
  },
  required: [],
  source: 'ragas 0.4, AnswerCorrectness',
  *judge(input, parameters) {
    const answer = input.answer!;
    const expected = input.expectedAnswer!;
    const weight = Number(parameters['factuality_weight']);
    const made = yield* extractClaims(input.question, answer);
    if (made.state === 'unscored') return made;
    const wanted = yield* extractClaims(input.question, expected);
    if (wanted.state === 'unscored') return wanted;
    const correct = yield* askPresence('claims of the answer', input.question, made.value, expected);
    if (correct.state === 'unscored') return correct;
    const found = yield* askPresence('claims of the expected answer', input.question, wanted.value, answer);
    if (found.state === 'unscored') return found;
    const truePositives = correct.value.filter(({ verdict }) => verdict).length;
    const falsePositives = made.value.length - truePositives;
    const falseNegatives = found.value.filter(({ verdict }) => !verdict).length;
    const all = 2 * truePositives + falsePositives + falseNegatives;
    const f1 = all === 0 ? 1 : (2 * truePositives) / all;
    let similarity: number | null = null;
    if (weight < 1) {
      const compared =
        answer.trim() === ''
          ? { state: 'compared' as const, cosines: [0] }
          : yield* askSimilarities('answer and expected answer', expected, [answer]);
      if (compared.state === 'unscored') return compared;
      similarity = Math.max(0, compared.cosines[0]!);
    }
    return {
      state: 'scored',
      score: weight * f1 + (1 - weight) * (similarity ?? 0),
      reason: `${truePositives} claims right, ${falsePositives} wrong or not asked for, ${falseNegatives} missing.`,
      details: {
        f1,
        similarity,
        answer: describe(made.value, correct.value),
        expected: describe(wanted.value, found.value),
      },
    };
  },
};

function* askPresence(
  purpose: string,
  question: string,
  claims: readonly string[],
  text: string,
): Generator<MetricRequest, Judged<readonly Verdict[]>, MetricReply> {
  return yield* askVerdicts(
    {
      purpose,
      schemaName: 'verdicts',
      task:
        'You judge whether claims are supported by a text, which is an answer to the same question. A claim is supported ' +
        'when the text says it too, in whatever words.',
      data: { question, text },
      itemsName: 'claims',
      verdict: 'Whether the text supports the claim.',
    },
    claims,
  );
}

function describe(claims: readonly string[], verdicts: readonly Verdict[]): unknown {
  return verdicts.map(({ verdict, reason }, index) => ({ claim: claims[index], supported: verdict, reason }));
}
