import type { Score } from '../metric.ts';

// About half a second of a core; a comparison of each with each must not hold a worker up.
const mostPairs = 100_000_000;

/** Whether two sequences of these lengths can be compared, each entry with each. */
export function isComparable(one: number, other: number): boolean {
  return one * other <= mostPairs;
}

/** What a comparison gives that would take too long. */
export const tooLong: Score = {
  state: 'unscored',
  reason: 'Answer and expected answer are too long to be compared: the product of their lengths is above 100 million.',
};
