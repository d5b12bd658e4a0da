import { describe, expect, test } from '@jest/globals';
import type { Context } from '@temporalio/activity';
import { createMayPay } from '../../../activities/ingestion/may-pay.ts';
import { StallWatch } from '../../../activities/ingestion/stall-watch.ts';

describe('a process that stood still', () => {
  test('knows it at once when it wakes up, and since when', () => {
    let now = 100_000;
    const watch = new StallWatch(() => now);
    watch.begin();
    now += 3999;
    expect(watch.stoodStillSince(0)).toBe(false);
    now += 4000;
    expect(watch.stoodStillSince(now - 1)).toBe(true);
    expect(watch.stoodStillSince(now)).toBe(false);
    now += 1000;
    expect(watch.stoodStillSince(now - 1000)).toBe(false);
    expect(watch.stoodStillSince(now - 1001)).toBe(true);
  });
});

describe('R8: what may have been given up', () => {
  const scheduled = Date.now() - 5000;
  let stalledAt = 0;
  const watch = { begin: () => {}, stoodStillSince: (moment: number) => stalledAt > moment };
  const contextOf = (isLocal: boolean) => {
    const stop = new AbortController();
    let heartbeats = 0;
    const context = {
      info: { isLocal, scheduledTimestampMs: scheduled } as Context['info'],
      heartbeat: () => void (heartbeats += 1),
      cancellationSignal: stop.signal,
    };
    return { context, stop, heartbeats: () => heartbeats };
  };

  test('pays for nothing more within a workflow task, be it one that waited in the process', async () => {
    const { context } = contextOf(true);
    stalledAt = scheduled - 10_001;
    const mayPay = createMayPay(context, watch);
    expect(await mayPay()).toBe(true);
    stalledAt = scheduled - 9_000;
    expect(await mayPay()).toBe(false);
    stalledAt = scheduled + 1000;
    expect(await mayPay()).toBe(false);
  });

  test('asks by a heartbeat where it can, goes on if it is still waited for, and ends if it is not', async () => {
    const { context, stop, heartbeats } = contextOf(false);
    stalledAt = 0;
    const mayPay = createMayPay(context, watch);
    expect(await mayPay()).toBe(true);
    expect(heartbeats()).toBe(0);
    stalledAt = Date.now() + 1;
    expect(await mayPay()).toBe(true);
    expect(heartbeats()).toBe(1);
    stalledAt = Date.now() + 60_000;
    const asked = mayPay();
    stop.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
  });
});
