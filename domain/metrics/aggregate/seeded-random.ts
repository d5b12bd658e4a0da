// Looked up once: this is called millions of times.
const { floor, imul } = Math;

/**
 * Whole numbers in [0, bound) that are the same on every machine for the same seed (xoshiro128**, Blackman and Vigna 2018;
 * state filled by splitmix32). `bound` is at most 2^32.
 */
export function seededIndexes(seed: number): (bound: number) => number {
  let mix = seed | 0;
  const fill = () => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix ^ (mix >>> 16);
    z = imul(z, 0x21f0aaad);
    z ^= z >>> 15;
    z = imul(z, 0x735a2d97);
    return z ^ (z >>> 15);
  };
  let a = fill();
  let b = fill();
  let c = fill();
  let d = fill();
  return (bound) => {
    const scrambled = imul(b, 5);
    const result = imul((scrambled << 7) | (scrambled >>> 25), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = (d << 11) | (d >>> 21);
    return floor((result / 0x1_0000_0000) * bound);
  };
}
