import { afterEach, describe, expect, jest, test } from '@jest/globals';
import type { Context } from '@temporalio/activity';
import { createMayPay } from '../../../activities/ingestion/may-pay.ts';
import { StallWatch } from '../../../activities/ingestion/stall-watch.ts';
import { until } from '../../support/until.ts';

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
  const contextOf = (isLocal: boolean, scheduledTimestampMs = scheduled) => {
    const stop = new AbortController();
    const temporal = { asked: 0, answers: true };
    const client = {
      withDeadline: (_deadline: number, call: () => Promise<void>) => call(),
      activity: {
        heartbeat: async () => {
          temporal.asked += 1;
          if (!temporal.answers) throw new Error('Temporal is away.');
        },
      },
    } as unknown as Context['client'];
    const info = { isLocal, scheduledTimestampMs } as Context['info'];
    return { context: { info, client, cancellationSignal: stop.signal }, stop, temporal };
  };
  afterEach(() => {
    jest.useRealTimers();
  });

  test('pays for nothing more within a workflow task, be it one that waited in the process', async () => {
    const begun = Date.now();
    const { context } = contextOf(true, begun);
    stalledAt = begun - 10_001;
    const mayPay = createMayPay(context, watch);
    expect(await mayPay()).toBe(true);
    stalledAt = begun - 9_000;
    expect(await mayPay()).toBe(false);
    stalledAt = begun + 1000;
    expect(await mayPay()).toBe(false);
  });

  test('pays for nothing more within a workflow task that has run for four seconds: nobody says whether it still counts', async () => {
    stalledAt = 0;
    expect(await createMayPay(contextOf(true, Date.now() - 4000).context, watch)()).toBe(false);
  });

  test('asks Temporal where it can after a stall, and goes on if it is still waited for', async () => {
    const { context, temporal } = contextOf(false);
    stalledAt = 0;
    const mayPay = createMayPay(context, watch);
    expect(await mayPay()).toBe(true);
    expect(temporal.asked).toBe(0);
    stalledAt = Date.now() + 1;
    // All of a batch that ask at once ask one question.
    expect(await Promise.all([mayPay(), mayPay()])).toEqual([true, true]);
    expect(temporal.asked).toBe(1);
  });

  test('asks every four seconds, waits while Temporal is away, and ends if it was given up meanwhile', async () => {
    const { context, stop, temporal } = contextOf(false);
    stalledAt = 0;
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'setTimeout', 'setInterval', 'performance'] });
    const mayPay = createMayPay(context, watch);
    jest.setSystemTime(Date.now() + 3999);
    expect(await mayPay()).toBe(true);
    expect(temporal.asked).toBe(0);
    jest.setSystemTime(Date.now() + 1);
    expect(await mayPay()).toBe(true);
    expect(temporal.asked).toBe(1);
    expect(await mayPay()).toBe(true);
    expect(temporal.asked).toBe(1);
    temporal.answers = false;
    jest.setSystemTime(Date.now() + 4000);
    const waits = mayPay();
    await until(async () => temporal.asked === 3, { what: 'a second question' });
    temporal.answers = true;
    expect(await waits).toBe(true);
    temporal.answers = false;
    jest.setSystemTime(Date.now() + 4000);
    const ends = mayPay();
    stop.abort();
    await expect(ends).rejects.toMatchObject({ name: 'AbortError' });
  });
});
