import { setTimeout } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/activity';
import {
  blockModelCalls,
  readModelPause,
  reserveModelCall,
  settleModelCall,
  type PacedModel,
} from '../../entities/usage/rate-limit-repository.ts';
import type { Database } from '../../platform/database.ts';
import { ProviderError } from '../../providers/provider-error.ts';

/** A model as its row says it, as far as its pace is concerned. */
export type ModelToPace = PacedModel & { provider: string; capabilities: Record<string, unknown> };

// A longer pause is left to Temporal's timer, so that the slot serves others meanwhile.
const patienceMs = 20_000;
// Where a provider refuses and does not say for how long.
const usualPauseMs = 1_000;

/**
 * Makes one call of a model within its limits, which all workers share: waits for its moment, corrects what was booked
 * by what `tokensOf` says was counted, and holds everybody back where the provider answers that it is limiting.
 * `tokens` is an estimate; a call that `isDue` was found to need no waiting. Models on this machine have no limits.
 * @throws ApplicationFailure `provider_rate_limited`, to be tried again later, while the provider refuses calls for long.
 */
export async function paceCall<T>(
  database: Database,
  model: ModelToPace,
  estimate: { tokens: number; signal: AbortSignal; isDue?: boolean },
  work: { call: () => Promise<T>; tokensOf: (result: T) => number | null },
): Promise<T> {
  if (model.provider === 'local' || model.provider === 'extractive') return work.call();
  const { tokens, signal, isDue = false } = estimate;
  const { waitMs, granted } = isDue
    ? { waitMs: 0, granted: true }
    : await database.autocommit((em) => reserveModelCall(em, model, { tokens, patienceMs }));
  if (!granted) throw pausedFor(waitMs);
  // While this call waited for its moment another may have been refused, for every call of the model.
  for (let wait = waitMs; wait > 0;) {
    await setTimeout(wait, undefined, { signal });
    wait = await database.inWorkspace(model.workspaceId, (em) => readModelPause(em, model));
    if (wait > patienceMs) throw pausedFor(wait);
  }
  try {
    const result = await work.call();
    const extra = (work.tokensOf(result) ?? tokens) - tokens;
    if (extra !== 0 && model.capabilities['tokensPerMinute'] !== undefined) {
      await database.autocommit((em) => settleModelCall(em, model, extra));
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
