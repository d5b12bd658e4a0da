import { condition, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from './temporal-turn.ts';

const { answer } = proxyActivities<Activities>({ startToCloseTimeout: '1 minute' });

/** Asks a question and resolves when its answer is stored. */
export const ask = defineUpdate<void, [string, string, string]>('ask');

/** A conversation that runs until the server of the bench ends. */
export async function entity(): Promise<void> {
  setHandler(ask, (id, conversation, content) => answer(id, conversation, content));
  await condition(() => false);
}
