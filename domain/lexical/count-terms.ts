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
    const byTerm = new Map<string, number>();
    let length = 0;
    for (const { terms, weight } of parts) {
      length += terms.length * weight;
      for (const term of terms) byTerm.set(term, (byTerm.get(term) ?? 0) + weight);
    }
    const counted = Array.from(byTerm, ([term, count]) => ({ key: keyOf(term), count }));
    counted.sort((one, other) => one.key - other.key);
    const terms: number[] = [];
    const frequencies: number[] = [];
    for (const { key, count } of counted) {
      // Two terms may share a key.
      const before = terms.at(-1) === key ? frequencies.pop()! : 0;
      if (before === 0) terms.push(key);
      frequencies.push(Math.min(mostFrequent, before + count));
    }
    const keys: (number | bigint)[] = terms.slice();
    for (const [index, least] of tierFrequencies.entries())
      for (const [place, key] of terms.entries()) if (frequencies[place]! >= least) keys.push(tierKey(key, index + 1));
    return { length, keys, frequencies };
  };
}
