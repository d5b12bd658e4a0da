import { ascending, quantile } from '../metrics/aggregate/quantile.ts';

/** The value below which the share `p` (0 to 1) of the values lies, by linear interpolation; 0 where there are none. */
export function percentileOf(values: readonly number[], p: number): number {
  return values.length === 0 ? 0 : quantile(ascending(values), p);
}
