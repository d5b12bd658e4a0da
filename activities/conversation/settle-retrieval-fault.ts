import { ApplicationFailure } from '@temporalio/activity';
import { addModelFault, findSearchModel } from '../../entities/conversations/turn-model-repository.ts';
import {
  appendEventsUnderLock,
  lockConversationAndTurn,
} from '../../entities/conversations/turn-outcome-repository.ts';
import type { Attempt } from './begin-attempt.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import type { RetrievalFault } from './retrieve-passages.ts';
import { retryingEvent } from './retrying-event.ts';
import { backoffMs, longestPauseMs } from './settle-model-fault.ts';
import { toFailure } from './turn-failure.ts';

/**
 * Notes in the turn's rows that the model with which was searched has failed, and tells watchers when it is asked again.
 * Returns the failure that makes Temporal do so; without its rows a fault is repeated by Temporal's own policy. `times`: how
 * often it was tried; `isLast`: it will not be tried again, whatever is returned.
 */
export async function settleRetrievalFault(
  deps: ConversationDeps,
  attempt: Attempt,
  { ragToolId, fault }: RetrievalFault,
  { times, isLast }: { times: number; isLast: boolean },
): Promise<ApplicationFailure> {
  const failure = toFailure(fault);
  const isOver = !fault.retryable || isLast || (fault.retryAfterMs ?? 0) > longestPauseMs;
  const { workspaceId, turnId, step } = attempt;
  const delayMs = Math.max(fault.retryAfterMs ?? 0, backoffMs(times));
  const code = `provider_${fault.code}`;
  try {
    await deps.database.inWorkspace(workspaceId, async (em) => {
      const turn = await lockConversationAndTurn(em, attempt.conversationId, turnId);
      if (turn?.state !== 'running' || turn.attempt !== attempt.attempt || turn.step !== step) return;
      const model = await findSearchModel(em, ragToolId);
      if (!model) return;
      await addModelFault(em, turnId, {
        ...{ step, attempt: attempt.attempt, model_id: model.id, model: model.name, code },
        ...{ retryable: fault.retryable, at: new Date().toISOString() },
      });
      if (isOver) return;
      await appendEventsUnderLock(em, attempt, [retryingEvent({ step, model: model.name, reason: code, ms: delayMs })]);
    });
  } catch {
    return failure;
  }
  deps.wakeTurns([turnId]);
  const { message } = failure;
  if (isOver) return ApplicationFailure.create({ type: code, message, nonRetryable: true });
  return ApplicationFailure.create({ type: code, message, nextRetryDelay: delayMs });
}
