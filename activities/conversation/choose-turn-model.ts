import { ApplicationFailure } from '@temporalio/activity';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelCandidate } from '../../contracts/names/model-faults.ts';
import type { TurnInput } from '../../contracts/names/workflows.ts';
import { chooseModel } from '../../domain/turns/choose-model.ts';
import { holdModels } from '../../entities/conversations/resting-turn-repository.ts';
import { lockTurn, type TurnContext } from '../../entities/conversations/turn-attempt-repository.ts';
import { readModelCandidates, switchModel } from '../../entities/conversations/turn-model-repository.ts';
import { appendEventsUnderLock, type EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { probeModel } from '../../entities/usage/model-circuit-repository.ts';
import { retryingEvent } from './retrying-event.ts';

// Temporal takes 0 for "not said".
const atOnceMs = 1;

/** The turn with a model that may be called now, or for how many milliseconds there is none. */
export type ChosenModel = { context: TurnContext; events: EventToAppend[] } | { restMs: number };

/**
 * Finds the model that a turn may call now, where its present one is switched off, rests because it failed too often, or
 * is to pause: another of its agent's, or the same, which it then tries for all others. If every one rests, the watchers are
 * told for how long. The caller holds the turn's lock. @throws ApplicationFailure when none can ever answer.
 */
export async function chooseTurnModel(em: EntityManager, input: TurnInput, context: TurnContext): Promise<ChosenModel> {
  const { workspaceId, turnId } = input;
  const { step, model_faults: faults, model_id: current } = context;
  for (let isHeld = false; ;) {
    const candidates = await readModelCandidates(em, turnId);
    const choice = chooseModel(candidates, { current, step, faults });
    if ('over' in choice) throw unanswerable(context, faults.at(-1)?.code);
    if ('rest' in choice) {
      const { rest, ms } = choice;
      if (!isHeld) {
        await holdModels(em, turnId);
        isHeld = true;
        continue;
      }
      await appendEventsUnderLock(em, { workspaceId, turnId, attempt: Math.max(context.attempt, 1) }, [
        ...(context.last_seq === 0 ? [{ kind: 'turn_started' as const, data: { attempt: 1 } }] : []),
        retryingEvent({ step, model: rest.name, reason: whyNot(rest), ms }),
      ]);
      return { restMs: ms };
    }
    // Mended just now; what is held is let go before circuits are locked.
    if (isHeld) return { restMs: atOnceMs };
    const { call } = choice;
    // Another turn may have been quicker; who tries the model is then read anew.
    if (call.isTripped && !(await probeModel(em, { workspaceId, modelId: call.id }, turnId))) continue;
    if (call.id === current) return { context, events: [] };
    await switchModel(em, turnId, call.id);
    const switched = await lockTurn(em, input);
    if (!switched) throw new Error(`Turn ${turnId} vanished while it was locked`);
    const from = candidates.find(({ id }) => id === current);
    const data = { step, from: context.model_name, to: call.name, reason: from ? whyNot(from) : 'unknown_model' };
    return { context: switched, events: [{ kind: 'model_fallback', data }] };
  }
}

/**
 * Lets the first of the agent's models take over that has a larger window than the present one, and may be called; null
 * when there is none. The caller holds the turn's lock.
 */
export async function switchToLargerModel(
  em: EntityManager,
  input: TurnInput,
  { model_id: current, model_name: from, step, model_faults: faults }: TurnContext,
): Promise<{ context: TurnContext; event: EventToAppend } | null> {
  const candidates = await readModelCandidates(em, input.turnId);
  const own = candidates.find(({ id }) => id === current);
  const larger = candidates.filter(
    ({ id, isTripped, contextWindow }) =>
      !isTripped && contextWindow > (own?.contextWindow ?? 0) && !faults.some((fault) => fault.model_id === id),
  );
  const choice = chooseModel(larger, { current, step, faults });
  if (!('call' in choice)) return null;
  await switchModel(em, input.turnId, choice.call.id);
  const context = await lockTurn(em, input);
  if (!context) throw new Error(`Turn ${input.turnId} vanished while it was locked`);
  const data = { step, from, to: choice.call.name, reason: 'prompt_too_long' };
  return { context, event: { kind: 'model_fallback', data } };
}

function whyNot({ isUsable, circuitMs }: ModelCandidate): string {
  if (!isUsable) return 'unknown_model';
  return circuitMs > 0 ? 'circuit_open' : 'provider_rate_limited';
}

function unanswerable({ model_name: name }: TurnContext, code: string | undefined): ApplicationFailure {
  return ApplicationFailure.create({
    type: code ?? 'unknown_model',
    message: `Neither the model "${name}" nor a fallback of the agent can answer: switch one on, or give the agent another.`,
    nonRetryable: true,
  });
}
