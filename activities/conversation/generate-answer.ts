import { Context } from '@temporalio/activity';
import type { TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import { settleUnknownUsage } from '../../entities/conversations/turn-attempt-repository.ts';
import { beginAttempt, type Attempt } from './begin-attempt.ts';
import { commitAnswer } from './commit-answer.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import { paceCall } from '../pacing/pace-calls.ts';
import { planModelCall, recordModelCall } from './plan-model-call.ts';
import type { ModelCall } from './plan-model-call.ts';
import { retrievePassages, retrieves, type Passage } from './retrieve-passages.ts';
import { streamAnswer } from './stream-answer.ts';
import type { StreamedAnswer } from './stream-answer.ts';
import { toFailure } from './turn-failure.ts';

// Four in the heartbeat's time-out. A cancel is not waited for here: the turn's row tells of it sooner.
const heartbeatEveryMs = 1000;

/**
 * One attempt at a turn: take over, retrieve, stream the model's answer, commit. Running it again is harmless: a turn
 * that has ended is left alone, and an attempt that was overtaken can write nothing.
 */
export function createGenerateAnswer(deps: ConversationDeps): (input: TurnInput) => Promise<TurnVerdict> {
  return async function generateAnswer(input) {
    const context = Context.current();
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    let attempt: Attempt | null = null;
    try {
      // Without retrieval the call is known at once, and one commit less stands before the first token.
      const begun = await deps.database.inWorkspace(input.workspaceId, async (em) => {
        const start = await beginAttempt(em, input, context.info.workflowExecution?.runId ?? '');
        if ('over' in start || retrieves(start.attempt)) return { ...start, call: null };
        const call = planModelCall(deps, start.attempt, []);
        await recordModelCall(em, start.attempt, call);
        return { ...start, call };
      });
      if ('over' in begun) return { state: begun.over };
      const owned = (attempt = begun.attempt);
      deps.wakeTurns([input.turnId]);
      let { call } = begun;
      let passages: Passage[] = [];
      if (!call) {
        passages = await retrievePassages(deps, owned, context.cancellationSignal);
        const planned = (call = planModelCall(deps, owned, passages));
        await deps.database.inWorkspace(input.workspaceId, (em) => recordModelCall(em, owned, planned));
      }
      const answer = await answerInTurn(deps, owned, call, context.cancellationSignal);
      await commitAnswer(deps, owned, passages, answer);
      deps.metrics.turnFinished('done');
      return { state: 'completed' };
    } catch (error) {
      if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
      if (attempt) await forgetOpenCall(deps, attempt);
      throw toFailure(error);
    } finally {
      clearInterval(heartbeat);
    }
  };
}

// About what English text has; what the provider counts in the end corrects it.
const charactersPerToken = 4;

/** Makes the call within the model's limits, which all workers share. */
function answerInTurn(
  deps: ConversationDeps,
  attempt: Attempt,
  call: ModelCall,
  signal: AbortSignal,
): Promise<StreamedAnswer> {
  const { workspaceId, context } = attempt;
  const { model_id: modelId, provider, capabilities } = context;
  const characters = call.request.messages.reduce((sum, message) => sum + JSON.stringify(message).length, 0);
  return paceCall(
    deps.database,
    { workspaceId, modelId, provider, capabilities },
    { tokens: Math.ceil(characters / charactersPerToken), signal },
    { call: () => streamAnswer(deps, attempt, call, signal), tokensOf: ({ usage }) => usage?.totalTokens ?? null },
  );
}

/** A call whose figures did not arrive is unknown from now on; if even this fails, the next takeover notes it. */
async function forgetOpenCall(deps: ConversationDeps, attempt: Attempt): Promise<void> {
  await deps.database.inWorkspace(attempt.workspaceId, (em) => settleUnknownUsage(em, attempt.turnId)).catch(() => {});
}
