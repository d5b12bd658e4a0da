import type { Judging, MetricChoice, MetricInput, Score } from './metric.ts';

/**
 * Judges one case by one metric. What the case does not say makes the metric `not_applicable`; what the target or a judge
 * failed to give makes it `unscored`, never 0. A score outside of the metric's range is `unscored` too.
 */
export function* judgeMetric({ metric, parameters }: MetricChoice, input: MetricInput): Judging {
  for (const need of metric.needs) {
    const missing = explainMissing(need, input);
    if (missing !== null) return missing;
  }
  const score = yield* metric.judge(input, parameters);
  if (score.state !== 'scored') return score;
  const [least, greatest] = metric.range(parameters);
  // Sums of fractions miss their bounds by an ulp.
  const slack = 1e-9;
  if (!(score.score >= least - slack && score.score <= (greatest ?? Infinity) + slack)) {
    const span = `${least} to ${greatest ?? 'any height'}`;
    const reason = `The score ${score.score} is outside of the metric's range, ${span}.`;
    return { state: 'unscored', reason, ...(metric.kind === 'custom' && { unusable: 1 }) };
  }
  return { ...score, score: Math.min(Math.max(score.score, least), greatest ?? Infinity) };
}

function explainMissing(need: keyof MetricInput, input: MetricInput): Score | null {
  switch (need) {
    case 'answer':
      return input.answer === null ? { state: 'unscored', reason: 'The target gave no answer.' } : null;
    case 'latencyMs':
      return input.latencyMs === null ? { state: 'unscored', reason: 'How long it took is not known.' } : null;
    case 'cost':
      return input.cost === null ? { state: 'unscored', reason: 'What it cost is not known.' } : null;
    case 'expectedAnswer':
      return input.expectedAnswer === null ? notApplicable('no expected answer') : null;
    case 'relevant':
      return input.relevant.some(({ grade }) => grade > 0) ? null : notApplicable('no expected documents');
    case 'expectedToolCalls':
      return input.expectedToolCalls === null ? notApplicable('no expected tool calls') : null;
    case 'question':
      return input.question === '' ? notApplicable('no question') : null;
    default:
      return null;
  }
}

function notApplicable(what: string): Score {
  return { state: 'not_applicable', reason: `The case has ${what}.` };
}
