import { ApplicationFailure } from '@temporalio/activity';
import { errorTable, PerdureError } from '../../contracts/errors.ts';
import { FetchError } from '../../providers/fetch/fetch-error.ts';
import { ProviderError } from '../../providers/provider-error.ts';

/** What a call has met: a model, an endpoint or a search that failed, in words that may be stored. */
export class CallFault extends Error {
  readonly code: string;
  readonly detail: string;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs: number | null;
  /** What failed, such as the id of a model: others that call it meet the same. */
  readonly line: string;

  constructor(line: string, fault: { code: string; detail: string; retryable: boolean; retryAfterMs?: number | null }) {
    super(fault.detail);
    this.name = 'CallFault';
    this.line = line;
    this.code = fault.code;
    this.detail = fault.detail;
    this.retryable = fault.retryable;
    this.retryAfterMs = fault.retryAfterMs ?? null;
  }
}

/** Takes an error of a call as a fault of `line`. @throws whatever says nothing of what was called. */
export function faultOf(line: string, error: unknown): CallFault {
  if (error instanceof CallFault) return error;
  if (error instanceof ProviderError)
    return new CallFault(line, {
      code: `provider_${error.code}`,
      detail: error.message,
      retryable: error.retryable,
      retryAfterMs: error.retryAfterMs,
    });
  if (error instanceof FetchError) return new CallFault(line, error);
  if (error instanceof ApplicationFailure && error.type === 'provider_rate_limited')
    return new CallFault(line, { code: error.type, detail: error.message, retryable: true, retryAfterMs: null });
  // A database that is away is no fault of what is measured: the whole step waits for it.
  if (error instanceof PerdureError && !['unavailable', 'over_capacity', 'internal'].includes(error.code))
    return new CallFault(line, {
      code: error.code,
      detail: error.detail,
      retryable: errorTable[error.code].retryable,
      retryAfterMs: typeof error.fields['retryAfterMs'] === 'number' ? error.fields['retryAfterMs'] : null,
    });
  throw error;
}
