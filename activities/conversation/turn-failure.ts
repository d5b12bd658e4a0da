import { ApplicationFailure } from '@temporalio/activity';
import { errorTable, PerdureError, type ErrorCode } from '../../contracts/errors.ts';
import { ProviderError } from '../../providers/provider-error.ts';

/** Thrown when another attempt has taken the turn over, or the turn has ended: this one must stop and write nothing. */
export function fenced(): ApplicationFailure {
  return failureOf('fenced', 'Another attempt has taken this turn over; this one stopped and wrote nothing more.');
}

/**
 * Thrown when a later run of the same activity has the turn. Temporal no longer listens to this one, and if it does after
 * all, it tries again.
 */
export function overtaken(): ApplicationFailure {
  return ApplicationFailure.create({ type: 'fenced', message: 'A later run of this step has taken the turn over.' });
}

/** Thrown when the turn's end was asked for. */
export function cancelRequested(): ApplicationFailure {
  return failureOf('cancelled', 'The turn was cancelled on request.');
}

/**
 * Turns any error into a failure whose type is a code of the table and whose message is safe to store in a history:
 * never a provider's body, never SQL with its values.
 */
export function toFailure(error: unknown): ApplicationFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof ProviderError) {
    const code: ErrorCode = `provider_${error.code}`;
    return ApplicationFailure.create({
      type: code,
      message: error.message,
      nonRetryable: !error.retryable,
      ...(error.retryAfterMs === null ? {} : { nextRetryDelay: error.retryAfterMs }),
    });
  }
  if (error instanceof PerdureError)
    return ApplicationFailure.create({
      type: error.code,
      message: error.detail,
      nonRetryable: !errorTable[error.code].retryable,
    });
  // Most often the database restarting or a network fault: the name tells the kind, the text may hold values.
  const name = error instanceof Error ? error.name : typeof error;
  return ApplicationFailure.create({
    type: 'internal',
    message: `An unexpected ${name} stopped this step; it is tried again.`,
  });
}

function failureOf(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type: code, message, nonRetryable: !errorTable[code].retryable });
}
