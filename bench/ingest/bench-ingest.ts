import type { BenchOptions } from '../harness/bench-options.ts';
import type { Results } from '../harness/results.ts';
import { measureFree } from './measure-free.ts';
import { measureGrowth } from './measure-growth.ts';
import { measureLocal } from './measure-local.ts';

/**
 * Chunks per second: with the local model against the bare model, and with free vectors against plain SQL and, with
 * `--peers`, other libraries; with `--growth` instead what a chunk costs, and what memory the worker takes, while a
 * database grows.
 */
export async function benchIngest(results: Results, options: BenchOptions): Promise<void> {
  if (options.growth) return measureGrowth(results, options);
  await measureLocal(results);
  await measureFree(results, options);
}
