import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelFault } from '../../contracts/names/model-faults.ts';
import { chooseModel, patienceForPauseMs } from '../../domain/turns/choose-model.ts';
import { closeEarlierAttempts } from '../../entities/conversations/turn-attempt-repository.ts';
import { holdModels } from '../../entities/conversations/resting-turn-repository.ts';
import { addModelFault, readModelCandidates, switchModel } from '../../entities/conversations/turn-model-repository.ts';
import {
  appendEventsUnderLock,
  lockConversationAndTurn,
} from '../../entities/conversations/turn-outcome-repository.ts';
import { closeModelCircuit, countModelFailure } from '../../entities/usage/model-circuit-repository.ts';
import type { PacedModel } from '../../entities/usage/rate-limit-repository.ts';
import type { ProviderError } from '../../providers/provider-error.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { longestBackoffMs, retryingEvent } from './retrying-event.ts';
import { toFailure } from './turn-failure.ts';

const firstBackoffMs = 500;
// A provider that asks for more is not waited for: nobody waits so long for an answer.
export const longestPauseMs = 15 * 60_000;
// Temporal takes 0 for "not said".
const atOnceMs = 1;

/** The answers of a provider that works: they say something of the request, or of its pace, and nothing against the model. */
const answersOfWorkingProvider = new Set([
  'provider_rate_limited',
  'provider_invalid_request',
  'provider_context_length',
  'provider_content_filter',
]);

/** What becomes of a turn whose call of a model failed. */
type Verdict = { outcome: 'retried' | 'fell_back'; delayMs: number } | { outcome: 'gave_up' };

/**
 * Notes in the turn's rows that its call of a model has failed, and decides how it goes on: the same model after a while,
 * the next one at once, or not at all. Watchers are told which. Returns the failure that makes Temporal do so; `isLast`
 * means that it will not, whatever is returned.
 */
export async function settleModelFault(
  deps: ConversationDeps,
  attempt: Attempt,
  error: ProviderError,
  { isLast }: { isLast: boolean },
): Promise<ApplicationFailure> {
  const failure = toFailure(error);
  const verdict = await deps.database.inWorkspace(attempt.workspaceId, (em) => settle(em, attempt, error, isLast));
  // Whoever has the turn now goes on with it; Temporal's next attempt sees that from the rows.
  if (verdict === null) return failure;
  deps.wakeTurns([attempt.turnId]);
  const code = `provider_${error.code}`;
  deps.metrics.modelFailed({ model: attempt.context.model_name, code, outcome: verdict.outcome });
  if (verdict.outcome === 'gave_up')
    return ApplicationFailure.create({ type: code, message: failure.message, nonRetryable: true });
  return ApplicationFailure.create({
    type: code,
    message: failure.message,
    nextRetryDelay: Math.max(atOnceMs, Math.ceil(verdict.delayMs)),
  });
}

/** Counts a failed call against the model for all workers, or for it when its provider is seen to work. */
export async function noteModelHealth(em: EntityManager, model: PacedModel, code: string): Promise<void> {
  if (answersOfWorkingProvider.has(code)) await closeModelCircuit(em, model);
  else await countModelFailure(em, model, code);
}

async function settle(
  em: EntityManager,
  attempt: Attempt,
  error: ProviderError,
  isLast: boolean,
): Promise<Verdict | null> {
  const { workspaceId, turnId, step, context } = attempt;
  const { model_id: current, model_name: name } = context;
  const turn = await lockConversationAndTurn(em, attempt.conversationId, turnId);
  if (turn?.state !== 'running' || turn.attempt !== attempt.attempt || turn.step !== step) return null;
  await closeEarlierAttempts(em, turnId);
  const code = `provider_${error.code}`;
  await noteModelHealth(em, { workspaceId, modelId: current }, code);
  const faults = await addModelFault(em, turnId, {
    ...{ step, attempt: attempt.attempt, model_id: current, model: name, code },
    retryable: error.retryable && (error.retryAfterMs ?? 0) <= longestPauseMs,
    at: new Date().toISOString(),
  });
  if (isLast) return { outcome: 'gave_up' };

  await holdModels(em, turnId);
  const present = await readModelCandidates(em, turnId);
  // What the provider asked of this call alone counts here as what it asks of all.
  const candidates = present.map((candidate) =>
    candidate.id === current
      ? { ...candidate, pauseMs: Math.max(candidate.pauseMs, error.retryAfterMs ?? 0) }
      : candidate,
  );
  const choice = chooseModel(candidates, { current, step, faults });
  if ('over' in choice) return { outcome: 'gave_up' };
  if ('call' in choice && choice.call.id !== current) {
    await switchModel(em, turnId, choice.call.id);
    await appendEventsUnderLock(em, attempt, [
      { kind: 'model_fallback', data: { step, from: name, to: choice.call.name, reason: code } },
    ]);
    return { outcome: 'fell_back', delayMs: atOnceMs };
  }
  const model = 'call' in choice ? choice.call : choice.rest;
  const delayMs =
    'call' in choice
      ? (error.retryAfterMs ??
        Math.max(Math.min(model.pauseMs, patienceForPauseMs), backoffInStep(faults, step, model.id)))
      : choice.ms;
  await appendEventsUnderLock(em, attempt, [retryingEvent({ step, model: model.name, reason: code, ms: delayMs })]);
  return { outcome: 'retried', delayMs };
}

/** A prompt that was shortened is sent at once. */
function backoffInStep(faults: readonly ModelFault[], step: number, modelId: string): number {
  const failed = faults.filter((fault) => fault.step === step && fault.model_id === modelId);
  return failed.at(-1)?.code === 'provider_context_length' ? 0 : backoffMs(failed.length);
}

/** For how long is waited after a call has failed for the `times`-th time: twice as long each time, 10 s at the most. */
export function backoffMs(times: number): number {
  return Math.min(firstBackoffMs * 2 ** (times - 1), longestBackoffMs);
}
