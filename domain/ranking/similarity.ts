/**
 * A similarity from a distance as pgvector measures it, larger for closer: the cosine itself (-1 to 1), or for L2 a value
 * from 0 to 1 that falls with the distance.
 */
export function similarity(metric: 'cosine' | 'l2', distance: number): number {
  return metric === 'cosine' ? 1 - distance : 1 / (1 + distance);
}
