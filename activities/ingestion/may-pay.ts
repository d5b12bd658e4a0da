import { setTimeout } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import { StallWatch } from './stall-watch.ts';

const stalls = new StallWatch();
// Of a workflow task, within which local steps run: one that is older has been given up.
const workflowTaskMs = 10_000;
// Below the time after which an attempt whose heartbeats are not answered is given up, here and by Temporal.
const trustMs = 4000;
const patienceMs = 2000;
const againMs = 250;

/**
 * Makes the question that a step asks before each paid call: whether it is surely the one that Temporal waits for. After
 * its process stood still, or Temporal was away, another attempt may be at the same work, and each would pay for all of
 * it. A step within a workflow task has nobody to ask and is told false, as it is when it has run for four seconds; one of
 * its own asks Temporal, waits for the answer, and is aborted if it was given up.
 */
export function createMayPay(
  context: Pick<Context, 'info' | 'client' | 'cancellationSignal'>,
  watch: Pick<StallWatch, 'begin' | 'stoodStillSince'> = stalls,
): () => Promise<boolean> {
  const { info } = context;
  watch.begin();
  let sureAt = Date.now();
  let asking: Promise<void> | null = null;
  const ask = async () => {
    const askedAt = await untilAnswered(context);
    sureAt = askedAt;
  };
  return async () => {
    const { scheduledTimestampMs: scheduledAt } = info;
    if (info.isLocal) return Date.now() - scheduledAt < trustMs && !watch.stoodStillSince(scheduledAt - workflowTaskMs);
    if (watch.stoodStillSince(sureAt) || Date.now() - sureAt >= trustMs) {
      asking ??= ask().finally(() => (asking = null));
      await asking;
    }
    return true;
  };
}

/** When the question was asked whose answer was that the attempt is waited for. */
async function untilAnswered({
  info,
  client,
  cancellationSignal: signal,
}: Pick<Context, 'info' | 'client' | 'cancellationSignal'>): Promise<number> {
  for (;;) {
    signal.throwIfAborted();
    const askedAt = Date.now();
    try {
      await client.withDeadline(askedAt + patienceMs, () => client.activity.heartbeat(info.taskToken));
      return askedAt;
    } catch {
      // The step's own heartbeats abort it if it was given up; otherwise Temporal is away.
      await setTimeout(againMs, undefined, { signal });
    }
  }
}
