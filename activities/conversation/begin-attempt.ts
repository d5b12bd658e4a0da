import type { EntityManager } from '@mikro-orm/postgresql';
import type { OpenCall, TurnInput } from '../../contracts/names/workflows.ts';
import { listOpenCalls } from '../../entities/conversations/tool-call-repository.ts';
import {
  closeEarlierAttempts,
  lockTurn,
  takeOverTurn,
  takeUntouchedTurn,
  type TurnContext,
} from '../../entities/conversations/turn-attempt-repository.ts';
import type { EventToAppend } from '../../entities/conversations/turn-outcome-repository.ts';
import { earlyActivity, noteAdoptions, type ActivityRun } from '../../entities/conversations/turn-lease-repository.ts';
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
  adoption: Adoption;
};

/** The activity that an attempt belongs to, none as long as one that was begun early has none, and whether its row tells. */
export type Adoption = { by: ActivityRun | null; isNoted: boolean };

/** An attempt with the events that open it. */
export type StartedAttempt = { attempt: Attempt; opening: EventToAppend[] };

/** The attempt, or why there is none to make. */
export type BegunAttempt =
  | StartedAttempt
  | { over: 'completed' | 'failed' | 'cancelled' | 'gone'; wasUnheard?: boolean }
  | { open: OpenCall[]; step: number }
  | { restMs: number }
  | { leasedMs: number }
  | { behind: string[] };

/**
 * Takes the turn over from whatever attempt had it, at the step where its rows say that it is. A client that has already
 * seen text of a step that is begun again is told by `reset` to drop it, and gets again what earlier steps have said.
 * `restMs`: no model may be called for so long, and nothing was taken over. `leasedMs`: it was begun early, and whoever did
 * may go on for so long. `behind`: these turns of the conversation came before and are to be served first.
 * @throws ApplicationFailure `fenced` when a later run of this very activity has the turn already.
 */
export async function beginAttempt(em: EntityManager, input: TurnInput, run: ActivityRun): Promise<BegunAttempt> {
  const found = await lockTurn(em, input);
  if (!found) return { over: 'gone' };
  let context: TurnContext = found;
  const wasUnheard = context.activity_id === earlyActivity;
  if (context.state === 'completed' || context.state === 'failed' || context.state === 'cancelled') {
    if (wasUnheard) await noteAdoptions(em, [{ turnId: input.turnId, run }]);
    return { over: context.state, wasUnheard };
  }
  if (context.cancel_requested) return { over: 'cancelled' };
  if (context.leased_ms > 0) return { leasedMs: context.leased_ms };
  if (context.behind.length > 0) return { behind: context.behind };
  // A worker that was frozen before this moment must not take the turn from its own successor.
  const isOwnRun = context.run_id === run.runId && context.activity_id === run.activityId;
  if (isOwnRun && (context.activity_attempt ?? 0) > run.attempt) throw overtaken();
  const open = context.step === 0 ? [] : await listOpenCalls(em, input.turnId);
  if (open.length > 0) {
    if (wasUnheard) await noteAdoptions(em, [{ turnId: input.turnId, run }]);
    return { open: open.map(presentOpenCall), step: context.step - 1 };
  }

  let switched: EventToAppend[] = [];
  // Nobody has heard what became of a call that failed before the workflow knew of the turn.
  const hasUnheardFault = wasUnheard && context.model_faults.some(({ step }) => step === context.step);
  if (!context.model_is_free || hasUnheardFault) {
    const chosen = await chooseTurnModel(em, input, context);
    if ('restMs' in chosen) return chosen;
    ({ context, events: switched } = chosen);
  }
  return takeOver(em, input, context, { run, switched });
}

/**
 * Takes over a turn that was just committed, before its workflow has heard of it, and keeps it for `leaseMs`; null where
 * anybody is at work in its conversation, or its model is not to be called now.
 */
export async function beginEarly(
  em: EntityManager,
  input: TurnInput,
  { leaseMs, adoption }: { leaseMs: number; adoption: Adoption },
): Promise<StartedAttempt | null> {
  const context = await takeUntouchedTurn(em, { ...input, leaseMs });
  if (context === null) return null;
  const { step } = context;
  const done = step === 0 ? [] : await readSteps(em, input.turnId);
  const begun: Attempt = { ...input, context, attempt: Math.max(context.attempt, 1), step, done, adoption };
  return { attempt: begun, opening: openingOf(begun) };
}

/**
 * Begins the next step of a turn that was begun early, when the calls of its last one have results; null where there is
 * anything else to do first, or the turn is no longer this attempt's.
 */
export async function continueEarly(em: EntityManager, former: Attempt): Promise<StartedAttempt | null> {
  const { adoption, attempt } = former;
  const context = await lockTurn(em, former);
  if (context?.state !== 'running' || context.attempt !== attempt || context.step !== former.step + 1) return null;
  if (context.cancel_requested || context.is_step_begun || !context.model_is_free) return null;
  const isHeld =
    context.activity_id === earlyActivity
      ? context.leased_ms > 0
      : context.run_id === adoption.by?.runId &&
        context.activity_id === adoption.by?.activityId &&
        context.activity_attempt === adoption.by?.attempt;
  if (!isHeld || (await listOpenCalls(em, former.turnId)).length > 0) return null;
  const done = await readSteps(em, former.turnId);
  return { attempt: { ...former, context, step: context.step, done }, opening: [] };
}

async function takeOver(
  em: EntityManager,
  input: TurnInput,
  context: TurnContext,
  { run, switched }: { run: ActivityRun; switched: EventToAppend[] },
): Promise<StartedAttempt> {
  const attempt = context.is_step_begun ? context.attempt + 1 : Math.max(context.attempt, 1);
  await takeOverTurn(em, {
    turnId: input.turnId,
    attempt,
    runId: run.runId,
    activityId: run.activityId,
    activityAttempt: run.attempt,
    // What hangs somewhere already, because it was edited, stays there; an answer that is given again is shown once it is
    // there.
    question:
      context.is_new && (context.kind === 'message' || context.kind === 'edit')
        ? { id: context.question_id, conversationId: input.conversationId, parentId: context.parent_id }
        : undefined,
  });
  if (context.is_step_begun) await closeEarlierAttempts(em, input.turnId);
  const done = context.step === 0 ? [] : await readSteps(em, input.turnId);
  const adoption = { by: run, isNoted: true };
  const begun: Attempt = { ...input, context, attempt, step: context.step, done, adoption };
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
