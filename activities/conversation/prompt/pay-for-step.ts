import type { EntityManager } from '@mikro-orm/postgresql';
import { appendEventsUnderLock } from '../../../entities/conversations/turn-outcome-repository.ts';
import { beginStep, finishStep, type StepKind } from '../../../entities/conversations/turn-step-repository.ts';
import { startUsage } from '../../../entities/conversations/turn-usage-repository.ts';
import type { ChatModel, ChatRequest } from '../../../providers/chat-model.ts';
import { askAside, settleAside } from '../ask-aside.ts';
import type { Attempt } from '../begin-attempt.ts';
import { callIdOf } from '../call-id.ts';
import type { ConversationDeps } from '../conversation-deps.ts';
import { fenced } from '../turn-failure.ts';

/** A step of a turn in which a model is asked for something that is not the answer. */
export type PaidStep = {
  kind: Extract<StepKind, 'route' | 'summarize'>;
  chat: ChatRequest;
  /** What `turn_steps.request` keeps. */
  request: Record<string, unknown>;
  /**
   * Makes the step's response of the model's text, and writes what follows from it, in the transaction that ends the
   * step. Null stands for a model that failed, `code` says how.
   */
  conclude(em: EntityManager, text: string | null, code: string | null): Promise<Record<string, unknown>>;
};

/**
 * Makes one paid call as a step of its own: booked before it is made, settled after it, within the model's pace. A model
 * that fails does not fail the turn: the step says so, and the turn goes on without what it would have given.
 * Returns the attempt at the step behind. @throws ApplicationFailure `fenced`, the abort reason of `signal`.
 */
export async function payForStep(
  deps: ConversationDeps,
  attempt: Attempt,
  model: ChatModel,
  { kind, chat, request, conclude }: PaidStep,
  signal: AbortSignal,
): Promise<Attempt> {
  const { workspaceId, turnId, step, context } = attempt;
  const callId = callIdOf(turnId, step, attempt.attempt);
  await deps.database.inWorkspace(workspaceId, async (em) => {
    const kept = { model: context.model_name, call_id: callId, ...request };
    if (!(await beginStep(em, { workspaceId, turnId, step, attempt: attempt.attempt, kind, request: kept })))
      throw fenced();
    const { agent_id: agentId, pricing } = context;
    await startUsage(em, {
      callId,
      workspaceId,
      agentId,
      modelId: context.model_id,
      turnId,
      step,
      attempt: attempt.attempt,
      pricing,
    });
    await appendEventsUnderLock(em, attempt, [
      { kind: 'step_started', data: { step, kind, model: context.model_name } },
    ]);
  });
  deps.wakeTurns([turnId]);

  const { model_id: modelId, provider, capabilities } = context;
  const row = { workspaceId, modelId, provider, capabilities };
  const answer = await askAside(deps, row, model, { ...chat, callId }, signal);
  const { text, code } = answer;

  return deps.database.inWorkspace(workspaceId, async (em) => {
    await settleAside(em, row, callId, answer);
    const response = {
      ...(text !== null && { text }),
      ...(await conclude(em, text, code)),
      ...(code && { error: code }),
    };
    if (!(await finishStep(em, { turnId, step, attempt: attempt.attempt, response }))) throw fenced();
    return { ...attempt, step: step + 1, done: [...attempt.done, { step, kind, request, response }] };
  });
}
