import type { MetricInput, MetricParameters, Score } from '../metric.ts';
import { bestReference } from './best-reference.ts';
import { isRefusal } from './is-refusal.ts';

/**
 * Compares an answer with the right ones as SQuAD 2 does: a question without an answer has 1 when none was given and 0
 * otherwise (Rajpurkar, Jia and Liang, "Know What You Don't Know", 2018), and a refusal counts as no answer, so 0 where
 * there is one. A target that refuses in words needs `refusal_phrases`.
 */
export function compareSquad(
  input: MetricInput,
  parameters: MetricParameters,
  compare: (answer: string, reference: string) => number,
): Score {
  const refuses = isRefusal(input.answer ?? '', (parameters['refusal_phrases'] ?? []) as readonly string[]);
  if (input.isUnanswerable) return { state: 'scored', score: refuses ? 1 : 0, details: { refuses } };
  if (input.expectedAnswer === null) return { state: 'not_applicable', reason: 'The case has no expected answer.' };
  return refuses ? { state: 'scored', score: 0, details: { refuses } } : bestReference(input, compare);
}
