import type { MetricInput, Score } from '../metric.ts';

/** All right answers of a case, the expected one first. */
export function rightAnswers(input: MetricInput): string[] {
  return input.expectedAnswer === null ? [] : [input.expectedAnswer, ...input.alternativeAnswers];
}

/** The best score that an answer has against any of the right answers, as SQuAD's evaluation takes it. */
export function bestReference(input: MetricInput, compare: (answer: string, reference: string) => number): Score {
  const answer = input.answer ?? '';
  const references = rightAnswers(input);
  const scores = references.map((reference) => compare(answer, reference));
  const best = scores.reduce((high, score) => Math.max(high, score), -Infinity);
  const reference = scores.indexOf(best);
  return { state: 'scored', score: best, ...(references.length > 1 && { details: { reference } }) };
}
