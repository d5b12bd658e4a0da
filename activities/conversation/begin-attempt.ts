import type { EntityManager } from '@mikro-orm/postgresql';
import type { OpenCall, TurnInput } from '../../contracts/names/workflows.ts';
import { listOpenCalls } from '../../entities/conversations/tool-call-repository.ts';
import {
  closeEarlierAttempts,
  lockTurn,
  placeQuestion,
  takeOverTurn,
  type TurnContext,
} from '../../entities/conversations/turn-attempt-repository.ts';
import type { EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { readSteps, type CompletedStep } from '../../entities/conversations/turn-step-repository.ts';
import { textOf } from './taken-steps.ts';
import { chooseTurnModel } from './choose-turn-model.ts';
import { overtaken } from './turn-failure.ts';

/** An attempt that owns its turn: nobody else can write to it until the next takeover. */
export type Attempt = TurnInput & {
  context: TurnContext;
  attempt: number;
  /** The step that is run. */
  step: number;
  /** The steps before it. */
  done: readonly CompletedStep[];
};

/** Temporal's names for this run of the activity; a retry has the same id and a higher attempt. */
export type ActivityRun = { runId: string; activityId: string; attempt: number };

/** The attempt with the events that open it, or why there is none to make. */
export type BegunAttempt =
  | { attempt: Attempt; opening: EventToAppend[] }
  | { over: 'completed' | 'failed' | 'cancelled' | 'gone' }
  | { open: OpenCall[]; step: number }
  | { restMs: number };

/**
 * Takes the turn over from whatever attempt had it, at the step where its rows say that it is. A client that has already
 * seen text of a step that is begun again is told by `reset` to drop it, and gets again what earlier steps have said.
 * `restMs`: no model may be called for so long, and nothing was taken over.
 * @throws ApplicationFailure `fenced` when a later run of this very activity has the turn already.
 */
export async function beginAttempt(em: EntityManager, input: TurnInput, run: ActivityRun): Promise<BegunAttempt> {
  const found = await lockTurn(em, input);
  if (!found) return { over: 'gone' };
  let context: TurnContext = found;
  if (context.state === 'completed' || context.state === 'failed' || context.state === 'cancelled')
    return { over: context.state };
  if (context.cancel_requested) return { over: 'cancelled' };
  // A worker that was frozen before this moment must not take the turn from its own successor.
  const isOwnRun = context.run_id === run.runId && context.activity_id === run.activityId;
  if (isOwnRun && (context.activity_attempt ?? 0) > run.attempt) throw overtaken();
  const open = context.step === 0 ? [] : await listOpenCalls(em, input.turnId);
  if (open.length > 0) return { open: open.map(presentOpenCall), step: context.step - 1 };

  let switched: EventToAppend[] = [];
  if (!context.model_is_free) {
    const chosen = await chooseTurnModel(em, input, context);
    if ('restMs' in chosen) return chosen;
    ({ context, events: switched } = chosen);
  }
  const attempt = context.is_step_begun ? context.attempt + 1 : Math.max(context.attempt, 1);
  await takeOverTurn(em, {
    turnId: input.turnId,
    attempt,
    runId: run.runId,
    activityId: run.activityId,
    activityAttempt: run.attempt,
  });
  if (context.is_step_begun) await closeEarlierAttempts(em, input.turnId);
  if (context.is_new)
    await placeQuestion(em, {
      kind: context.kind,
      conversationId: input.conversationId,
      questionId: context.question_id,
      parentId: context.parent_id,
    });
  const done = context.step === 0 ? [] : await readSteps(em, input.turnId);
  const begun: Attempt = { ...input, context, attempt, step: context.step, done };
  return { attempt: begun, opening: [...openingOf(begun), ...switched] };
}

/** What the steps before this one have said, with an empty line between two of them. */
export function saidBefore(attempt: Attempt): string {
  return attempt.done
    .map((step) => (step.kind === 'model' ? textOf(step.response) : ''))
    .filter((text) => text !== '')
    .join(betweenSteps);
}

/** What stands between the texts of two steps. */
export const betweenSteps = '\n\n';

/** The calls that a workflow has to serve, as it is told of them. */
export function presentOpenCall(row: Awaited<ReturnType<typeof listOpenCalls>>[number]): OpenCall {
  return {
    callId: row.id,
    wait: row.wait,
    expiresAt: row.wait === 'approval' && row.expires_at ? row.expires_at.getTime() : null,
    effect: row.effect,
    timeoutMs: row.timeout_ms,
  };
}

function openingOf(attempt: Attempt): EventToAppend[] {
  const { context, step } = attempt;
  if (context.last_seq === 0) return [{ kind: 'turn_started', data: { attempt: attempt.attempt } }];
  if (!context.is_step_begun) return [];
  const said = saidBefore(attempt);
  return [
    { kind: 'reset', data: { attempt: attempt.attempt, step } },
    ...(said === '' ? [] : [{ kind: 'text_delta' as const, data: { text: said, step: step - 1 } }]),
  ];
}
