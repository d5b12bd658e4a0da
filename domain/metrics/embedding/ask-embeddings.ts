import type { MetricReply, MetricRequest, Unscored } from '../metric.ts';
import { cosine } from './cosine.ts';

/** The cosine of the first text with each of the others, all embedded in one call. */
export type Similarities = { readonly state: 'compared'; readonly cosines: readonly number[] } | Unscored;

/** Embeds `text` and `others`, and compares. */
export function* askSimilarities(
  purpose: string,
  text: string,
  others: readonly string[],
): Generator<MetricRequest, Similarities, MetricReply> {
  const reply = yield { kind: 'embedding', purpose, texts: [text, ...others] };
  if (reply.state === 'failed') return { state: 'unscored', reason: reply.reason };
  if (reply.state !== 'embedded' || reply.vectors.length !== others.length + 1) {
    return { state: 'unscored', reason: 'The embedding model did not give one vector for each text.', unusable: 1 };
  }
  const [first, ...rest] = reply.vectors;
  const cosines: number[] = [];
  for (const vector of rest) {
    const value = vector.length === first!.length ? cosine(first!, vector) : null;
    if (value === null)
      return { state: 'unscored', reason: 'The embedding model gave vectors that have no angle.', unusable: 1 };
    cosines.push(value);
  }
  return { state: 'compared', cosines };
}
