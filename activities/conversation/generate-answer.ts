import { ApplicationFailure, Context } from '@temporalio/activity';
import type { TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import { beginTurn, goOn, type TurnRunner } from './advance-turn.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import type { EarlyAnswers } from './early-answers.ts';
import { toFailure } from './turn-failure.ts';

// Four in the heartbeat's time-out. A cancel is not waited for here: the turn's row tells of it sooner.
const heartbeatEveryMs = 750;

/**
 * Takes a turn one call of the model further. Where the turn stands, its rows tell; running this again is harmless: a turn
 * that has ended is left alone, one that waits for its tools says so, and an attempt that was overtaken can write nothing.
 * An answer that was begun early is taken for its own where it is given in this process, and waited for elsewhere.
 */
export function createGenerateAnswer(
  deps: ConversationDeps,
  early: EarlyAnswers,
): (input: TurnInput) => Promise<TurnVerdict> {
  return async function generateAnswer(input) {
    const context = Context.current();
    const { activityId, attempt, workflowExecution, retryPolicy } = context.info;
    const run = { runId: workflowExecution?.runId ?? '', activityId, attempt };
    const signal = context.cancellationSignal;
    const isLast = attempt >= (retryPolicy?.maximumAttempts ?? Number.POSITIVE_INFINITY);
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    try {
      const adopted = await early.adopt(input.turnId, run, signal);
      return adopted ?? (await answer(deps, early, input, run, { signal, attempt, isLast }));
    } catch (error) {
      signal.throwIfAborted();
      throw asRepeatable(toFailure(error));
    } finally {
      clearInterval(heartbeat);
    }
  };
}

async function answer(
  deps: ConversationDeps,
  early: EarlyAnswers,
  input: TurnInput,
  run: Parameters<typeof beginTurn>[2],
  runner: TurnRunner,
): Promise<TurnVerdict> {
  for (;;) {
    const begun = await beginTurn(deps, input, run);
    if ('attempt' in begun) return goOn(deps, begun, runner);
    if ('open' in begun) return { state: 'tools', step: begun.step, calls: begun.open };
    if ('behind' in begun) return { state: 'behind', turnIds: begun.behind };
    if ('over' in begun)
      return { state: begun.over, ...('wantsTitle' in begun && begun.wantsTitle && { wantsTitle: true as const }) };
    if ('restMs' in begun) {
      deps.wakeTurns([input.turnId]);
      throw resting(begun.restMs);
    }
    await early.untilEnded(input.turnId, begun.leasedMs, runner.signal);
  }
}

/** Thrown while every model of a turn is left alone: tried again when the first of them may be called. */
function resting(restMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'provider_unavailable',
    message: `Every model of the turn failed too often and rests for another ${Math.ceil(restMs / 1000)} s.`,
    nextRetryDelay: Math.max(1, Math.ceil(restMs)),
  });
}

/**
 * Whoever is fenced while Temporal still listens to it was overtaken by a worker that woke up late: it tries again, and
 * finds out from the rows whether the turn goes on.
 */
function asRepeatable(failure: ApplicationFailure): ApplicationFailure {
  if (failure.type !== 'fenced') return failure;
  return ApplicationFailure.create({ type: 'fenced', message: failure.message });
}
