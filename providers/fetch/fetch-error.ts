import { errorTable, PerdureError, type ErrorCode } from '../../contracts/errors.ts';

/** What is known of a failed fetch besides its code. */
export interface FetchErrorDetails {
  /** The HTTP status; null when there was no answer. */
  readonly status?: number | null;
  /** How long the server asked to wait, in milliseconds; null when it did not say. */
  readonly retryAfterMs?: number | null;
  /** Whether the same request may succeed later, where that differs from the code's own entry. */
  readonly retryable?: boolean;
}

/** Thrown when something outside cannot be fetched. The message names the address without its query, never a body. */
export class FetchError extends PerdureError {
  readonly status: number | null;
  readonly retryAfterMs: number | null;
  readonly retryable: boolean;

  constructor(code: ErrorCode, detail: string, details: FetchErrorDetails = {}) {
    super(code, detail);
    this.name = 'FetchError';
    this.status = details.status ?? null;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.retryable = details.retryable ?? errorTable[code].retryable;
  }
}
