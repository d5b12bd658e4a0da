import { Context } from '@temporalio/activity';
import { toFailure } from '../conversation/turn-failure.ts';

/** What a step that looks after memories gets. */
export type MemoryStep = {
  /** Aborts when the step is cancelled or its worker shuts down. */
  signal: AbortSignal;
  attempt: number;
  /** The workflow run that asked for it. */
  runId: string;
};

// Several heartbeats within the time-out of memory-options.ts.
const heartbeatEveryMs = 2000;

/** Runs one step with heartbeats and turns what it throws into a failure with a code of the error table. */
export async function runMemoryStep<T>(work: (step: MemoryStep) => Promise<T>): Promise<T> {
  const context = Context.current();
  const { cancellationSignal: signal, info } = context;
  const heartbeat = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    return await work({ signal, attempt: info.attempt, runId: info.workflowExecution?.runId ?? '' });
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toFailure(error);
  } finally {
    clearInterval(heartbeat);
  }
}
