/** The quantile `share` (0 to 1) by linear interpolation (Hyndman and Fan 1996, type 7, as NumPy). `sorted` ascends and is not empty. */
export function quantile(sorted: readonly number[], share: number): number {
  const position = (sorted.length - 1) * Math.min(Math.max(share, 0), 1);
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position - Math.floor(position));
}

/** The arithmetic mean. `values` is not empty. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The values in ascending order. */
export function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}
