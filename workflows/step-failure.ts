import { ActivityFailure, ApplicationFailure, isCancellation } from '@temporalio/workflow';

/** Whether an error is a cancel or comes from a step; any other is a fault of the workflow itself, which must stay open. */
export function isOfStep(error: unknown): boolean {
  return isCancellation(error) || error instanceof ActivityFailure || error instanceof ApplicationFailure;
}

/** The code with which a step has failed; null where it gave none. */
export function codeOfStep(error: unknown): string | null {
  const cause = causeOf(error);
  return cause instanceof ApplicationFailure ? (cause.type ?? null) : null;
}

/** Why work that can be retried has stopped, in words that may be stored. */
export function describeStep(error: unknown): { code: string; detail: string } {
  const cause = causeOf(error);
  if (cause instanceof ApplicationFailure && cause.type) return { code: cause.type, detail: cause.message };
  return {
    code: 'unavailable',
    detail: 'A step did not end in time. Look at the worker and its log, then retry the run; what is done stays.',
  };
}

/** A failure of a remote step is wrapped, one of a local step comes as it is. */
function causeOf(error: unknown): unknown {
  return error instanceof ActivityFailure ? error.cause : error;
}
