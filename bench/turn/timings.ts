import { percentile } from '../harness/statistics.ts';
import type { Results } from '../harness/results.ts';
import { slownessOf } from './bare-call.ts';
import type { Timing } from './turn-client.ts';

/** A percentile of one of the times of turns. */
export function percentileOf(timings: readonly Timing[], of: keyof Timing, p: number): number {
  return percentile(
    timings.map((timing) => timing[of]),
    p,
  );
}

/** Records what turns add to bare calls that were made in turn with them. */
export function recordAdded(results: Results, suffix: string, bare: readonly Timing[], turns: readonly Timing[]): void {
  const added = (of: keyof Timing, p: number) => percentileOf(turns, of, p) - percentileOf(bare, of, p);
  results.record(`bare.first_token_ms${suffix}.p50`, percentileOf(bare, 'firstTokenMs', 0.5));
  results.record(`bare.total_ms${suffix}.p50`, percentileOf(bare, 'totalMs', 0.5));
  results.record(`added.first_token_ms${suffix}.p50`, added('firstTokenMs', 0.5));
  results.record(`added.first_token_ms${suffix}.p95`, added('firstTokenMs', 0.95));
  results.record(`added.total_ms${suffix}.p50`, added('totalMs', 0.5));
}

/** Says where the bare calls of a run were slow themselves; `check` makes that an error. */
export function noteSlowBareCalls(results: Results, check: boolean): void {
  const { 'bare.first_token_ms.p50': firstTokenMs, 'bare.total_ms.p50': totalMs } = results.metrics();
  const slowness = slownessOf({ firstTokenMs: firstTokenMs ?? Number.NaN, totalMs: totalMs ?? Number.NaN });
  if (slowness === null) return;
  results.note(`WARNING: ${slowness}`);
  if (check) throw new Error(slowness);
}
