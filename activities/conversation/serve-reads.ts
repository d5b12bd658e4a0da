import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import type { OpenCall, TurnInput } from '../../contracts/names/workflows.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { runCall } from './run-tool.ts';

// What an activity waits before it runs a call again.
const usualPauseMs = 500;

/** Whether the calls of a step may be run beside the model: they only read, wait for nobody, and end within `leftMs`. */
export function areQuickReads(calls: readonly OpenCall[], leftMs: number): boolean {
  return calls.every(({ effect, wait, timeoutMs }) => effect === 'read' && wait === null && timeoutMs < leftMs);
}

/**
 * Runs the calls of a step that only read, all at the same time, by the ledger as activities do. A call that is to be tried
 * again keeps its pause here, for at most `leftMs`, and is left open. @throws the abort reason of `signal`.
 */
export async function serveReads(
  deps: ConversationDeps,
  turn: TurnInput,
  calls: readonly OpenCall[],
  { leftMs, signal }: { leftMs: number; signal: AbortSignal },
): Promise<void> {
  const runs = await Promise.allSettled(calls.map(({ callId }) => runCall(deps, { ...turn, callId }, signal)));
  signal.throwIfAborted();
  const pauses = runs.flatMap((run) => (run.status === 'rejected' ? [pauseOf(run.reason)] : []));
  if (pauses.length > 0) await delay(Math.min(leftMs, Math.max(...pauses)), undefined, { signal });
}

function pauseOf(error: unknown): number {
  return error instanceof ApplicationFailure ? Number(error.nextRetryDelay ?? usualPauseMs) : usualPauseMs;
}
