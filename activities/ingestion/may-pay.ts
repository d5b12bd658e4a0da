import { setTimeout } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import { StallWatch } from './stall-watch.ts';

const stalls = new StallWatch();
// Of a workflow task, within which local steps run: one that is older has been given up.
const workflowTaskMs = 10_000;
// The answer to a heartbeat tells of an attempt that has been given up.
const answerMs = 1000;

/**
 * Makes the question that a step asks before each paid call: whether it is surely the one that Temporal waits for. After
 * its process stood still, another attempt may be at the same work, and each would pay for all of it. A step within a
 * workflow task has nobody to ask and is told false; one of its own asks by a heartbeat, and is aborted if it was given up.
 */
export function createMayPay(
  context: Pick<Context, 'info' | 'heartbeat' | 'cancellationSignal'>,
  watch: Pick<StallWatch, 'begin' | 'stoodStillSince'> = stalls,
): () => Promise<boolean> {
  const { info, cancellationSignal: signal } = context;
  watch.begin();
  let sureAt = Date.now();
  return async () => {
    if (info.isLocal) return !watch.stoodStillSince(info.scheduledTimestampMs - workflowTaskMs);
    if (watch.stoodStillSince(sureAt)) {
      context.heartbeat();
      await setTimeout(answerMs, undefined, { signal });
      sureAt = Date.now();
    }
    return true;
  };
}
