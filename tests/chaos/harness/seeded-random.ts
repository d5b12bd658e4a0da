/** Numbers that a seed determines: the same seed gives the same sequence on every machine (mulberry32, by T. Ettinger). */
export interface SeededRandom {
  /** A number in [0, 1). */
  next(): number;
  /** A whole number in [low, high]. */
  between(low: number, high: number): number;
  pick<T>(values: readonly T[]): T;
  /** A generator of its own for one purpose, so that more draws in one place do not shift another's. */
  fork(purpose: string): SeededRandom;
}

/** Makes the generator of a seed. */
export function seededRandom(seed: number): SeededRandom {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const between = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    between,
    pick: <T>(values: readonly T[]): T => {
      const value = values[between(0, values.length - 1)];
      if (value === undefined) throw new Error('There is nothing to pick from');
      return value;
    },
    fork: (purpose) => {
      let hash = seed >>> 0;
      for (const character of purpose) hash = (Math.imul(hash, 31) + (character.codePointAt(0) ?? 0)) >>> 0;
      return seededRandom(hash);
    },
  };
}
