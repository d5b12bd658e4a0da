import { ApplicationFailure, Context } from '@temporalio/activity';
import type { AnswerInput, TurnInput, TurnVerdict } from '../../contracts/names/workflows.ts';
import { beginTurn, goOn, type TurnRunner } from './advance-turn.ts';
import type { ConversationDeps } from './conversation-deps.ts';
import type { EarlyAnswers } from './early-answers.ts';
import { longestBackoffMs } from './retrying-event.ts';
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
): (input: AnswerInput) => Promise<TurnVerdict> {
  return async function generateAnswer({ tries, ...input }) {
    const context = Context.current();
    const { activityId, attempt, workflowExecution, retryPolicy } = context.info;
    const run = { runId: workflowExecution?.runId ?? '', activityId, attempt };
    const signal = context.cancellationSignal;
    const tried = (tries ?? 0) + attempt;
    const isLast = tried >= (retryPolicy?.maximumAttempts ?? Number.POSITIVE_INFINITY);
    const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
    try {
      const adopted = await early.adopt(input.turnId, run, signal);
      return adopted ?? (await answer(deps, early, input, run, { signal, attempt: tried, isLast }));
    } catch (error) {
      signal.throwIfAborted();
      const failure = asRepeatable(toFailure(error));
      const { message } = failure;
      const type = failure.type ?? 'unavailable';
      const restMs = restOf(failure);
      if (restMs === 0) throw failure;
      if (isLast) throw ApplicationFailure.create({ type, message, nonRetryable: true });
      if (tries === undefined) throw failure;
      return { state: 'resting', ms: restMs, code: type, tries: tried };
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
    // Who answers renews a lease of a few seconds; a longer one is the pause after a fault.
    if (begun.leasedMs > longestBackoffMs) throw resting(begun.leasedMs);
    await early.untilEnded(input.turnId, begun.leasedMs, runner.signal);
  }
}

/** For how many milliseconds a turn is to rest after a failure; 0 where that is tried again soon, or never. */
function restOf({ nextRetryDelay, nonRetryable }: ApplicationFailure): number {
  const ms = Number(nextRetryDelay ?? 0);
  return !nonRetryable && ms > longestBackoffMs ? ms : 0;
}

/** Thrown while every model of a turn is left alone: tried again when the first of them may be called. */
function resting(restMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'provider_unavailable',
    message:
      `Every model of the turn failed too often, or is to pause, and rests for another ${Math.ceil(restMs / 1000)} s; ` +
      'mended (PATCH /models/{id}) or said to be well (POST /models/{id}/resume), it is called at once.',
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
