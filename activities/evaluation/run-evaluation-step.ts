import { Context } from '@temporalio/activity';
import { ingestionFailure } from '../ingestion/ingestion-failure.ts';

// Several heartbeats within the time-out of activity-options.ts.
const heartbeatEveryMs = 2000;

/** Runs one step with heartbeats and turns what it throws into a failure with a code of the error table. */
export async function runEvaluationStep<T>(
  work: (step: { signal: AbortSignal; runId: string }) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  const heartbeat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), heartbeatEveryMs);
  const signal = context.cancellationSignal;
  try {
    return await work({ signal, runId: context.info.workflowExecution?.runId ?? '' });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw ingestionFailure(error);
  } finally {
    clearInterval(heartbeat);
  }
}
