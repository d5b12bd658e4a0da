import type { MetricInput } from '../metric.ts';

/** The grades of a ranked list without doubles (0 for what is not relevant), and the grades of all that is relevant. */
export type RankedGains = { readonly gains: readonly number[]; readonly relevant: readonly number[] };

/** Grades of 0 and less say that something is not relevant, as in TREC's qrels. Of doubles in the qrels the highest grade counts. */
export function rankedGains({ ranked, relevant }: Pick<MetricInput, 'ranked' | 'relevant'>): RankedGains {
  const grades = new Map<string, number>();
  for (const { key, grade } of relevant) if (grade > 0) grades.set(key, Math.max(grade, grades.get(key) ?? 0));
  return { gains: [...new Set(ranked)].map((key) => grades.get(key) ?? 0), relevant: [...grades.values()] };
}

/** How many of the first `depth` places hold something relevant. */
export function countFound({ gains }: RankedGains, depth = gains.length): number {
  return gains.slice(0, depth).filter((gain) => gain > 0).length;
}
