import { ApplicationFailure } from '@temporalio/activity';
import { toFailure } from '../conversation/turn-failure.ts';

/** Thrown when the generation has ended or another run works on it: this one must stop and write nothing. */
export function generationFenced(): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'fenced',
    message: 'This generation has ended, or another run works on it; this step stopped and wrote nothing more.',
    nonRetryable: true,
  });
}

/** Whether an error says that the step must write nothing more. */
export function isFenced(error: unknown): boolean {
  return error instanceof Error && 'type' in error && error.type === 'fenced';
}

/**
 * Turns any error into a failure whose type is a code of the table and whose message is safe to store. Faults of the
 * program and of the data, which the same step would meet again, are not tried again.
 */
export function ingestionFailure(error: unknown): ApplicationFailure {
  const failure = toFailure(error);
  if (failure.type !== 'internal' || !wouldRepeat(error)) return failure;
  const name = error instanceof Error ? error.name : typeof error;
  return ApplicationFailure.create({
    type: 'internal',
    message: `An unexpected ${name} stopped this step, and would stop it again. Please report it with the worker's log.`,
    nonRetryable: true,
  });
}

// SQLSTATE classes: 22 data exception, 23 integrity constraint, 42 syntax or access rule.
function wouldRepeat(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return true;
  const state = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(?:22|23|42)[0-9A-Z]{3}$/.test(state);
}
