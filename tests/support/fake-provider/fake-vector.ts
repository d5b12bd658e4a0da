import type { Behaviour } from './behaviour.ts';

/** Makes the vector of a text, of length 1; the same text and dimensions always give the same one. */
export function fakeVector(text: string, dimensions: number, kind: Behaviour['vectors']): Float32Array {
  const vector = new Float32Array(dimensions);
  if (kind === 'constant') return vector.fill(1 / Math.sqrt(dimensions));
  if (kind === 'hash') addRandom(vector, text);
  // One seed for all texts first, so that an empty text has a vector too.
  else for (const word of ['', ...(text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [])]) addRandom(vector, word);
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}

/** Adds uniform values in [-1, 1) of a xorshift generator (Marsaglia 2003) seeded by the word's FNV-1a hash. */
function addRandom(vector: Float32Array, word: string): void {
  let state = 0x811c9dc5;
  for (let index = 0; index < word.length; index += 1) state = Math.imul(state ^ word.charCodeAt(index), 0x01000193);
  // Zero is the generator's fixed point.
  state ||= 1;
  for (let index = 0; index < vector.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[index] = (vector[index] ?? 0) + state / 0x80000000;
  }
}
