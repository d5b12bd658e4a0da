import { ascending, quantile } from '../../domain/metrics/aggregate/quantile.ts';

/** The value below which the share `p` (0 to 1) of the values lies, by linear interpolation. */
export function percentile(values: readonly number[], p: number): number {
  if (values.length === 0) throw new Error('There are no values to take a percentile of.');
  return quantile(ascending(values), p);
}

/** The middle value. */
export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** How much y grows with x, by least squares. */
export function slope(points: readonly { x: number; y: number }[]): number {
  const mean = (of: 'x' | 'y') => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean('x'), mean('y')];
  const [above, below] = points.reduce(
    ([a, b], point) => [a + (point.x - x) * (point.y - y), b + (point.x - x) ** 2] as const,
    [0, 0] as readonly [number, number],
  );
  return above / below;
}
