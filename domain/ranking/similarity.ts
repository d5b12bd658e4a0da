/** How two vectors are compared. */
export type VectorMetric = 'cosine' | 'l2' | 'inner_product';

/**
 * A similarity from a distance as pgvector measures it, larger for closer: the cosine itself (-1 to 1), the inner product
 * itself (unbounded; pgvector gives its negative), or for L2 a value from 0 to 1 that falls with the distance.
 */
export function similarity(metric: VectorMetric, distance: number): number {
  if (metric === 'cosine') return 1 - distance;
  return metric === 'l2' ? 1 / (1 + distance) : -distance;
}

/**
 * The lowest similarity that the metric can give; null where there is none, as the inner product of vectors of any
 * length. The scores' theoretical minimum of Bruch, Gai and Ingber (see fuse-lists.ts).
 */
export function leastSimilarity(metric: VectorMetric): number | null {
  if (metric === 'cosine') return -1;
  return metric === 'l2' ? 0 : null;
}
