/** Numbers that are the same on every machine for the same seed. */
export interface SeededRandom {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Normal with mean 0 and deviation 1 (Box-Muller). */
  normal(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
}

/** A generator seeded by one whole number (xoshiro128**, Blackman and Vigna 2018; state filled by splitmix32). */
export function seededRandom(seed: number): SeededRandom {
  let mix = seed | 0;
  const next = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = Math.imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = Math.imul(z, 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  };
  let a = next();
  let b = next();
  let c = next();
  let d = next();
  const rotate = (x: number, k: number) => (x << k) | (x >>> (32 - k));
  const uint32 = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result;
  };
  let spare: number | null = null;
  const uniform = () => uint32() / 0x1_0000_0000;
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
