import { computedJudge } from '../computed-judge.ts';
import { higherIsBetter, unitRange } from '../metric.ts';
import type { Metric, MetricParameters } from '../metric.ts';
import type { ValueSchema } from '../value-schema.ts';
import { rankedGains } from './ranked-gains.ts';
import type { RankedGains } from './ranked-gains.ts';

/** The number of places that are looked at. */
export const depthSchema: ValueSchema = {
  type: 'integer',
  minimum: 1,
  maximum: 10_000,
  description: 'How many places of the ranking are looked at; may be written into the name, as in ndcg@10.',
};

/** A metric over one ranked list, from 0 to 1; not applicable where the case names nothing relevant. */
export function rankMetric(
  about: Pick<Metric, 'name' | 'title' | 'parameters' | 'source'>,
  measure: (ranking: RankedGains, parameters: MetricParameters) => number,
): Metric {
  return {
    ...about,
    kind: 'retrieval',
    range: unitRange,
    higherIsBetter,
    needs: ['relevant'],
    required: about.name.endsWith('@k') ? ['k'] : [],
    judge: computedJudge((input, parameters) => ({
      state: 'scored',
      score: measure(rankedGains(input), parameters),
    })),
  };
}

/** The depth that the parameters name, or no limit. */
export function depthOf(parameters: MetricParameters): number {
  return (parameters['k'] as number | undefined) ?? Infinity;
}
