import type { Results } from '../harness/results.ts';
import { measureFree } from './measure-free.ts';
import { measureLocal } from './measure-local.ts';

/** Chunks per second: with the local model against the bare model, and with free vectors against plain SQL. */
export async function benchIngest(results: Results): Promise<void> {
  await measureLocal(results);
  await measureFree(results);
}
