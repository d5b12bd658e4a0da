/** The value below which the share `p` (0 to 1) of the values lies, by linear interpolation. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new Error('There are no values to take a percentile of.');
  const sorted = [...values].sort((a, b) => a - b);
  const position = (sorted.length - 1) * p;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

/** The middle value. */
export const median = (values: readonly number[]): number => percentile(values, 0.5);
