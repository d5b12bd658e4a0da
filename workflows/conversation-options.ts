import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/**
 * An idle conversation stays a running workflow for this long, and for twice as long at the most: a message to a running
 * one is answered in half the time of a message that must start one.
 */
export const keptWarmFor = '15 minutes';

/**
 * A model call. The heartbeat's time-out bounds how long a stream is silent after its worker was killed; it is four
 * heartbeats long, so that a busy machine does not lose a healthy attempt (which would be paid twice). A cancel does not
 * wait for the attempt: the turn's end fences it.
 */
export const answerOptions: ActivityOptions = {
  summary: 'Retrieve, call the model, commit the answer',
  startToCloseTimeout: '10 minutes',
  scheduleToCloseTimeout: '20 minutes',
  heartbeatTimeout: '3 seconds',
  cancellationType: 'TRY_CANCEL',
  retry: {
    // What a model's fault is to wait for is said with it.
    initialInterval: '250 milliseconds',
    backoffCoefficient: 2,
    maximumInterval: '10 seconds',
    maximumAttempts: 10,
  },
};

/** For how long, in all, a step of a turn rests while no model may be called; then the turn fails. */
export const longestRestMs = 20 * 60_000;

/** A paid call beside the turn. A model that fails ends it without a title; it is repeated where it was interrupted. */
export const titleOptions: ActivityOptions = {
  summary: 'Let the model make a title',
  startToCloseTimeout: '2 minutes',
  scheduleToCloseTimeout: '30 minutes',
  retry: { initialInterval: '1 second', backoffCoefficient: 2, maximumInterval: '1 minute' },
};

/**
 * A call of a tool, by its own time-out and the time in which its result must be written. It repeats what could not be
 * begun and what may be repeated; the ledger counts, so that the limit here is for faults beside the tool.
 */
export function runToolOptions({ timeoutMs, effect }: { timeoutMs: number; effect: string }): ActivityOptions {
  return {
    summary: `Run a tool that ${effect}s`,
    startToCloseTimeout: timeoutMs + 60_000,
    heartbeatTimeout: '4 seconds',
    cancellationType: 'TRY_CANCEL',
    retry: {
      initialInterval: '500 milliseconds',
      backoffCoefficient: 2,
      maximumInterval: '10 seconds',
      maximumAttempts: 20,
    },
  };
}

/** Like the end of a turn, the end of a wait is tried until it is there. */
export const expireApprovalOptions: LocalActivityOptions = {
  summary: 'Deny a call that nobody approved',
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
};

/** A short database step inside the workflow task. A turn must reach its end, so it is tried until it does. */
export const endTurnOptions: LocalActivityOptions = {
  summary: 'End the turn',
  startToCloseTimeout: '10 seconds',
  retry: { initialInterval: '200 milliseconds', backoffCoefficient: 2, maximumInterval: '5 seconds' },
};
