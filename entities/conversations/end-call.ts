import type { EntityManager } from '@mikro-orm/postgresql';
import { finishCall, noteWaiting, type CallOutcome, type LockedCall } from './tool-call-repository.ts';
import { appendEventsUnderLock, type EventToAppend } from './turn-outcome-repository.ts';

const previewCharacters = 300;

/**
 * Writes the end of a call and tells it to watchers, with the events that come before it. The result of a call whose turn
 * has ended meanwhile goes to the ledger alone. The caller holds the call's lock.
 */
export async function endCall(
  em: EntityManager,
  call: LockedCall,
  outcome: CallOutcome,
  before: readonly EventToAppend[] = [],
): Promise<void> {
  await finishCall(em, call.id, outcome);
  if (isTurnOver(call)) return;
  const preview = outcome.result.slice(0, previewCharacters).toWellFormed();
  await appendEventsUnderLock(em, turnOf(call), [
    ...before,
    {
      kind: 'tool_call_result',
      data: { call_id: call.id, state: outcome.state, truncated: outcome.truncated, preview },
    },
  ]);
  await noteWaiting(em, call.turn_id);
}

/** What the model is told of a call that gave no result. */
export function failedCall(
  code: string,
  detail: string,
  state: 'failed' | 'denied' | 'expired' = 'failed',
): CallOutcome {
  const resultBytes = new TextEncoder().encode(detail).length;
  return { state, result: detail, resultBytes, truncated: false, passages: [], error: { code, detail } };
}

/** Whether the turn of a call has ended, so that nothing is appended to its events any more. */
export function isTurnOver(call: LockedCall): boolean {
  return ['completed', 'failed', 'cancelled'].includes(call.turn_state);
}

/** The turn of a call, as its events are appended. */
export function turnOf(call: LockedCall): { workspaceId: string; turnId: string; attempt: number } {
  return { workspaceId: call.workspace_id, turnId: call.turn_id, attempt: call.turn_attempt };
}
