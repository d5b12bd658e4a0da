import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure, asyncLocalStorage } from '@temporalio/activity';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import {
  blockModelCalls,
  bookModelCall,
  correctModelCall,
  readModelPause,
  type CallPriority,
  type PacedModel,
} from '../../entities/usage/rate-limit-repository.ts';
import type { Database } from '../../platform/database.ts';
import { ProviderError } from '../../providers/provider-error.ts';

/** A model as its row says it, as far as its pace is concerned. */
export type ModelToPace = PacedModel & { provider: string; capabilities: Record<string, unknown> };

/**
 * A call that awaits its turn; `tokens` is an estimate. `booked` is the moment that it was given before, if it was. One
 * whose first moment is further off than `longestWaitMs` is not booked.
 */
export type CallToMake = {
  tokens: number;
  priority: CallPriority;
  signal: AbortSignal;
  booked?: string | null;
  longestWaitMs?: number;
};

/** When a call's turn comes, in so many milliseconds; `booked` (ISO 8601) keeps its place, null says that it has none. */
export type LaterTurn = { afterMs: number; booked: string | null };

// A longer pause is left to Temporal's timer, so that the slot serves others meanwhile.
const longestPauseMs = 20_000;
// What an evaluation may book ahead: a turn waits for no more than one call of it.
const nextLookMs = 1000;
// Another call of the run may have taken the room.
const leastWaitMs = 50;
// Where a provider refuses and does not say for how long.
const usualPauseMs = 1_000;

/** Whether a model computes on this machine, and so has no limits. */
export const isUnpaced = ({ provider }: Pick<ModelToPace, 'provider'>): boolean =>
  provider === 'local' || provider === 'extractive';

/**
 * Makes one call of a model within its limits, which all workers share: waits for its moment, corrects what was booked
 * by what `tokensOf` says was counted, and holds everybody back where the provider answers that it is limiting.
 * `tokens` is an estimate; a call that `isDue` was found to need no waiting. Models on this machine have no limits. Whatever
 * is called on the queue of evaluations takes the room that turns leave, and never stands before them in the queue.
 * @throws ApplicationFailure `provider_rate_limited`, to be tried again later, while the provider refuses calls for long.
 */
export async function paceCall<T>(
  database: Database,
  model: ModelToPace,
  estimate: { tokens: number; signal: AbortSignal; isDue?: boolean },
  work: { call: () => Promise<T>; tokensOf: (result: T) => number | null },
): Promise<T> {
  if (isUnpaced(model)) return work.call();
  const { tokens, signal, isDue = false } = estimate;
  if (!isDue && isForEvaluation()) await awaitRoom(database, model, { tokens, signal });
  else if (!isDue) await awaitTurn(database, model, { tokens, priority: 'turn', signal });
  return makeCall(database, model, tokens, work);
}

/**
 * Waits until a call may be made, and counts it as made.
 * @throws ApplicationFailure `provider_rate_limited`, to be tried again later, while the provider refuses calls for long.
 */
export async function awaitTurn(database: Database, model: ModelToPace, call: CallToMake): Promise<void> {
  for (let { booked = null } = call; ;) {
    const later = await tryTurn(database, model, { ...call, booked, longestPauseMs });
    if (later === null) return;
    if (later.booked === null) throw pausedFor(later.afterMs);
    await setTimeout(later.afterMs, undefined, { signal: call.signal });
    ({ booked } = later);
  }
}

/** Whether the step that runs belongs to an evaluation; turns of conversations that one holds do too. */
function isForEvaluation(): boolean {
  return asyncLocalStorage.getStore()?.info.taskQueue === taskQueues.evaluate;
}

/**
 * Waits until a call is due within about a second, and counts it as made; nothing is booked before, so that whoever queues
 * has nobody of these before it. @throws as `awaitTurn`.
 */
async function awaitRoom(
  database: Database,
  model: ModelToPace,
  call: { tokens: number; signal: AbortSignal },
): Promise<void> {
  const look = { ...call, priority: 'batch', longestWaitMs: nextLookMs, longestPauseMs } as const;
  for (;;) {
    const later = await tryTurn(database, model, look);
    if (later === null) return;
    const pauseMs = await database.inWorkspace(model.workspaceId, (em) => readModelPause(em, model));
    if (pauseMs > longestPauseMs) throw pausedFor(pauseMs);
    await setTimeout(Math.min(Math.max(later.afterMs - nextLookMs, leastWaitMs), longestPauseMs), undefined, {
      signal: call.signal,
    });
  }
}

/**
 * Waits until a call may be made if that is within about a second: null, and it is counted as made. Else it says when its
 * turn comes. It is not booked while the provider refuses calls for longer than `longestPauseMs`.
 */
export async function tryTurn(
  database: Database,
  model: ModelToPace,
  call: CallToMake & { longestPauseMs?: number },
): Promise<LaterTurn | null> {
  for (let { booked = null } = call; ;) {
    const turn = await database.autocommit((em) => bookModelCall(em, model, { ...call, booked }));
    if (!turn.isCounted) return { afterMs: turn.waitMs, booked: turn.moment };
    if (turn.waitMs <= 0) return null;
    await setTimeout(turn.waitMs, undefined, { signal: call.signal });
    // While this call waited for its moment another may have been refused, for every call of the model.
    const pauseMs = await database.inWorkspace(model.workspaceId, (em) => readModelPause(em, model));
    if (pauseMs === 0) return null;
    booked = turn.moment;
  }
}

/** Makes a call whose turn has come; see `paceCall`. */
export async function makeCall<T>(
  database: Database,
  model: ModelToPace,
  tokens: number,
  work: { call: () => Promise<T>; tokensOf: (result: T) => number | null },
): Promise<T> {
  try {
    const result = await work.call();
    const extraTokens = (work.tokensOf(result) ?? tokens) - tokens;
    if (extraTokens !== 0 && model.capabilities['tokensPerMinute'] !== undefined) {
      await database.autocommit((em) => correctModelCall(em, model, { extraRequests: 0, extraTokens }));
    }
    return result;
  } catch (error) {
    if (error instanceof ProviderError && error.code === 'rate_limited') {
      await database.autocommit((em) => blockModelCalls(em, model, error.retryAfterMs ?? usualPauseMs));
    }
    throw error;
  }
}

function pausedFor(waitMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'provider_rate_limited',
    message: `The model's provider refuses calls for another ${Math.ceil(waitMs / 1000)} s; the step waits for that.`,
    nextRetryDelay: waitMs,
  });
}
