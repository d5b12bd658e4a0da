/**
 * Share of the `k` true nearest that a search found. It is judged by distance, as ann-benchmarks does: of several vectors
 * at the same distance any is as good. Null where there is nothing to find.
 */
export function recallOf(found: readonly number[], exact: readonly number[], k: number): number | null {
  const wanted = [...exact].sort((a, b) => a - b).slice(0, k);
  const farthest = wanted.at(-1);
  if (farthest === undefined) return null;
  const met = found.filter((distance) => distance <= farthest).length;
  return Math.min(met, wanted.length) / wanted.length;
}
