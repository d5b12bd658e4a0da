import { Context } from '@temporalio/activity';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';
import { createMayPay } from '../ingestion/may-pay.ts';

/** What a step that looks after embedding models gets. */
export type ModelStep = {
  /** Aborts when the step is cancelled or its worker shuts down. */
  signal: AbortSignal;
  attempt: number;
  /** The workflow run that asked for it. */
  runId: string;
  /** Whether another call may be paid for; asked before each. */
  mayPay(): Promise<boolean>;
};

// Several heartbeats within the time-out of activity-options.ts.
const heartbeatEveryMs = 2000;

/** Runs one step with heartbeats and turns what it throws into a failure with a code of the error table. */
export async function runModelStep<T>(work: (step: ModelStep) => Promise<T>): Promise<T> {
  const context = Context.current();
  const heartbeat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), heartbeatEveryMs);
  const signal = context.cancellationSignal;
  try {
    const runId = context.info.workflowExecution?.runId ?? '';
    return await work({ signal, attempt: context.info.attempt, runId, mayPay: createMayPay(context) });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw ingestionFailure(error);
  } finally {
    clearInterval(heartbeat);
  }
}
