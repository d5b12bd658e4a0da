import { normalProbability, normalQuantile } from './normal-distribution.ts';
import { ascending, mean, quantile } from './quantile.ts';
import { seededIndexes } from './seeded-random.ts';

/** How a confidence interval is made. */
export type BootstrapOptions = {
  readonly seed: number;
  readonly resamples?: number;
  /** 0 to 1. */
  readonly level?: number;
  readonly method?: 'percentile' | 'bca';
};

/** A confidence interval of a mean, and how it was made. */
export type Interval = {
  readonly low: number;
  readonly high: number;
  readonly level: number;
  readonly method: 'percentile' | 'bca';
  readonly resamples: number;
};

/** What is used when nothing else is asked for. 2,000 resamples are what Efron and Tibshirani advise for BCa. */
export const defaultBootstrap = { resamples: 2000, level: 0.95, method: 'bca' } as const;

/** Means of samples drawn from the values with replacement, each as large as they are. `values` is not empty. */
export function resampleMeans(values: readonly number[], resamples: number, seed: number): number[] {
  const draw = seededIndexes(seed);
  const { length } = values;
  const from = Float64Array.from(values);
  const means: number[] = [];
  for (let made = 0; made < resamples; made += 1) {
    let sum = 0;
    for (let drawn = 0; drawn < length; drawn += 1) sum += from[draw(length)]!;
    means.push(sum / length);
  }
  return means;
}

/**
 * The confidence interval of the mean from its replicates: their quantiles, or with `bca` the bias-corrected and
 * accelerated ones (Efron, "Better Bootstrap Confidence Intervals", 1987; as scipy.stats.bootstrap). Where BCa is not
 * defined, because all replicates lie on one side of the mean, the quantiles are taken.
 */
export function intervalFrom(
  replicates: readonly number[],
  values: readonly number[],
  { level, method }: { level: number; method: 'percentile' | 'bca' },
): readonly [low: number, high: number] {
  const sorted = ascending(replicates);
  const tail = (1 - level) / 2;
  const quantiles = (low: number, high: number) => [quantile(sorted, low), quantile(sorted, high)] as const;
  const center = mean(values);
  const below = sorted.filter((each) => each < center).length + sorted.filter((each) => each <= center).length;
  const bias = normalQuantile(below / (2 * sorted.length));
  if (method === 'percentile' || !Number.isFinite(bias)) return quantiles(tail, 1 - tail);
  const deviations = values.map((value) => value - center);
  const square = deviations.reduce((sum, each) => sum + each ** 2, 0);
  const cube = deviations.reduce((sum, each) => sum + each ** 3, 0);
  // Of a mean the jackknife's differences are the deviations themselves.
  const acceleration = square === 0 ? 0 : cube / (6 * square ** 1.5);
  const corrected = (z: number) => normalProbability(bias + (bias + z) / (1 - acceleration * (bias + z)));
  const z = normalQuantile(tail);
  return quantiles(corrected(z), corrected(-z));
}

/** A bootstrap confidence interval of the mean; null for fewer than two values. The same seed gives the same interval. */
export function bootstrapInterval(values: readonly number[], options: BootstrapOptions): Interval | null {
  if (values.length < 2) return null;
  const { resamples, level, method } = { ...defaultBootstrap, ...options };
  const replicates = resampleMeans(values, resamples, options.seed);
  const [low, high] = intervalFrom(replicates, values, { level, method });
  return { low, high, level, method, resamples };
}
