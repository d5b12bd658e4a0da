import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { FloorActivities } from './floor-worker.ts';

const { callModel } = proxyActivities<FloorActivities>({
  startToCloseTimeout: '1 minute',
  heartbeatTimeout: '4 seconds',
});

/** One Update that runs one activity: the least that a durable turn costs with Temporal alone, without SQL. */
export const ask = defineUpdate<number, [string]>('ask');

/** Answers until it is told to end by its parent's termination. */
export async function floor(): Promise<void> {
  setHandler(ask, (model) => callModel(model));
  await condition(() => false);
}
