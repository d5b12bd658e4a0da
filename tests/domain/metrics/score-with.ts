import { judgeMetric } from '../../../domain/metrics/judge-metric.ts';
import type { MetricChoice, MetricInput, MetricReply, MetricRequest, Score } from '../../../domain/metrics/metric.ts';
import { readMetricChoice } from '../../../domain/metrics/read-metric-choice.ts';
import type { MetricRequestChoice } from '../../../domain/metrics/read-metric-choice.ts';

/** A case without anything, but for what is given. */
export function metricInput(part: Partial<MetricInput> = {}): MetricInput {
  return {
    question: 'How high is the tower?',
    messages: [],
    answer: null,
    expectedAnswer: null,
    alternativeAnswers: [],
    contexts: [],
    ranked: [],
    relevant: [],
    toolCalls: [],
    expectedToolCalls: null,
    isUnanswerable: false,
    latencyMs: null,
    cost: null,
    metadata: {},
    ...part,
  };
}

/** Passages with these texts. */
export function passages(...texts: string[]): MetricInput['contexts'] {
  return texts.map((text, chunkIndex) => ({ documentId: 'tower', chunkIndex, text }));
}

/** The choice that a request names. Throws what is wrong with it. */
export function choose(chosen: MetricRequestChoice): MetricChoice {
  const read = readMetricChoice(chosen);
  if ('mistakes' in read) throw new Error(read.mistakes.join(' '));
  return read.choice;
}

/** The score of a metric whose requests are answered by `replies` in their order, and the requests. Throws when there are too few. */
export function scoreWith(
  chosen: MetricRequestChoice,
  part: Partial<MetricInput>,
  replies: readonly MetricReply[] = [],
): { score: Score; requests: MetricRequest[] } {
  const judging = judgeMetric(choose(chosen), metricInput(part));
  const requests: MetricRequest[] = [];
  let next = judging.next();
  while (next.done !== true) {
    const reply = replies[requests.length];
    requests.push(next.value);
    if (reply === undefined) throw new Error(`Not planned: ${JSON.stringify(next.value)}`);
    next = judging.next(reply);
  }
  return { score: next.value, requests };
}

/** The number that a metric gives. Throws when it gives none. */
export function valueOf(
  chosen: MetricRequestChoice,
  part: Partial<MetricInput>,
  replies: readonly MetricReply[] = [],
): number {
  const { score } = scoreWith(chosen, part, replies);
  if (score.state !== 'scored') throw new Error(`${score.state}: ${score.reason}`);
  return score.score;
}

/** A judge's answer. */
export function says(value: unknown): MetricReply {
  return { state: 'answered', text: JSON.stringify(value) };
}

/** A judge's verdicts, numbered from `first` on. */
export function verdicts(list: readonly boolean[], first = 1): MetricReply {
  return says({ verdicts: list.map((verdict, index) => ({ n: first + index, reason: `reason ${index}`, verdict })) });
}
