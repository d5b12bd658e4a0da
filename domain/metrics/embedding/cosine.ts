/** The cosine of the angle between two vectors of the same length, -1 to 1; null when one of them is 0. */
export function cosine(one: readonly number[], other: readonly number[]): number | null {
  let product = 0;
  let left = 0;
  let right = 0;
  for (const [index, value] of one.entries()) {
    const across = other[index]!;
    product += value * across;
    left += value * value;
    right += across * across;
  }
  return left === 0 || right === 0 ? null : product / Math.sqrt(left * right);
}
