import { seededIndexes } from '../../domain/metrics/aggregate/seeded-random.ts';

/** Numbers that are the same on every machine for the same seed. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and deviation 1 (Box-Muller). */
  normal(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
}

/** A generator seeded by one whole number. */
export function seededRandom(seed: number): SeededRandom {
  const index = seededIndexes(seed);
  let spare: number | null = null;
  const uniform = () => index(0x1_0000_0000) / 0x1_0000_0000;
  const normal = () => {
    if (spare !== null) {
      const value = spare;
      spare = null;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
  return { uniform, normal, below: (bound) => Math.floor(uniform() * bound) };
}
