import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { freezeMs } from './hit-process.ts';
import type { ProxiedStack } from './proxied-stack.ts';

// Whoever settles a call must know that nobody is at it any more: longer than any process here stays away.
const certainMs = freezeMs + 5000;

/** What a careful person does: waits until nobody can be at the call, asks the service, and says what has happened. */
export async function settleCall(
  { effects }: Pick<ProxiedStack, 'effects'>,
  api: ApiClient,
  callId: string,
): Promise<void> {
  await sleep(certainMs);
  const isDone = effects.log().some(({ idempotencyKey, applied }) => idempotencyKey === callId && applied);
  const outcome = isDone ? { outcome: 'succeeded', result: 'Paid.' } : { outcome: 'run_again' };
  try {
    await api.request('POST', `/tool-calls/${callId}/settle`, outcome, `settle ${callId}`);
  } catch (error) {
    // The result of a process that was away has come by itself.
    if (!isConflict(error)) throw error;
  }
}

/** Whether the API refused because of what is there already. */
export function isConflict(error: unknown): boolean {
  return error instanceof RefusedError && error.message.includes(': 409 ');
}
