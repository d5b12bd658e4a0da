import { termKeys, tierFrequencies, tierKey } from './term-keys.ts';

/** What the index keeps of a chunk. Keys ascend: those of its terms, then those of the tiers that its terms reach. */
export type ChunkTerms = {
  /** How many words the chunk has, repetitions counted: its length in BM25. */
  length: number;
  keys: (number | bigint)[];
  /** How often each term occurs, in the order of the terms' keys; tiers have none. */
  frequencies: number[];
};

/** Terms of one part of a chunk, as analysis gives them; `weight` (1 or more, a whole number) counts each so many times. */
export type WeightedTerms = { terms: readonly string[]; weight: number };

// PostgreSQL's smallint; BM25 has long stopped growing by then.
const mostFrequent = 32_767;

/** Counts the terms of chunks of a workspace. */
export function termCounter(workspaceId: string): (parts: readonly WeightedTerms[]) => ChunkTerms {
  const keyOf = termKeys(workspaceId);
  return (parts) => {
    const counts = new Map<number, number>();
    let length = 0;
    for (const { terms, weight } of parts) {
      length += terms.length * weight;
      for (const term of terms) {
        const key = keyOf(term);
        counts.set(key, (counts.get(key) ?? 0) + weight);
      }
    }
    const terms = Array.from(Float64Array.from(counts.keys()).sort());
    const frequencies = terms.map((key) => Math.min(mostFrequent, counts.get(key)!));
    const tiers = tierFrequencies.flatMap((least, index) =>
      terms.filter((_, place) => frequencies[place]! >= least).map((key) => tierKey(key, index + 1)),
    );
    return { length, keys: [...terms, ...tiers], frequencies };
  };
}
