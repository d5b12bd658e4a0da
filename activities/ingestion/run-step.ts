import { Context } from '@temporalio/activity';
import type { GenerationRun } from '../../entities/documents/document-generation-repository.ts';
import type { IngestDocumentInput } from '../../contracts/names/workflows.ts';
import { ingestionFailure } from './ingestion-failure.ts';
import { createMayPay } from './may-pay.ts';

/** What a step gets besides its argument. */
export type Step = {
  run: GenerationRun;
  attempt: number;
  /** Aborts when the step is cancelled or its worker shuts down. */
  signal: AbortSignal;
  /** Whether another call may be paid for; asked before each. */
  mayPay(): Promise<boolean>;
};

/** The same, and the id of the workflow whose run it is. */
export type OwnedStep = Step & { workflowId: string };

// Several heartbeats within the time-out of activity-options.ts, so that one that is late does no harm.
const heartbeatEveryMs = 1000;

/**
 * Runs one step with heartbeats, as the workflow run that asked for it, and turns what it throws into a failure with a
 * code of the error table.
 */
export async function runStep<T>(input: IngestDocumentInput, work: (step: OwnedStep) => Promise<T>): Promise<T> {
  return runBatchStep(({ runId, ...step }) => {
    const { workspaceId, documentId, generation } = input;
    return work({ ...step, run: { workspaceId, documentId, generation, runId } });
  });
}

/** The same for a step of several documents. */
export async function runBatchStep<T>(
  work: (step: Omit<OwnedStep, 'run'> & { runId: string }) => Promise<T>,
): Promise<T> {
  const context = Context.current();
  // A local step has no heartbeat: its workflow task's time-out tells of a dead worker.
  const heartbeat = context.info.isLocal ? undefined : setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    const { runId, workflowId } = context.info.workflowExecution ?? { runId: '', workflowId: '' };
    const { attempt } = context.info;
    return await work({
      runId,
      workflowId,
      attempt,
      signal: context.cancellationSignal,
      mayPay: createMayPay(context),
    });
  } catch (error) {
    if (context.cancellationSignal.aborted) throw context.cancellationSignal.reason;
    throw ingestionFailure(error);
  } finally {
    clearInterval(heartbeat);
  }
}
