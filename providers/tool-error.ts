import { errorTable, PerdureError, type ErrorCode } from '../contracts/errors.ts';

/**
 * What is known of the effect of a call that gave no result: `not_started` had none, `failed` was refused or broke for
 * good, `unknown` may have happened and is run again only where that is harmless.
 */
export type ToolOutcome = 'not_started' | 'failed' | 'unknown';

/** Thrown when a tool gives no result. The message is safe to show: no credential, no query, no body of an answer. */
export class ToolError extends PerdureError {
  readonly outcome: ToolOutcome;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the service asked to wait, in milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;

  constructor(
    code: ErrorCode,
    detail: string,
    details: { outcome: ToolOutcome; retryable?: boolean; retryAfterMs?: number | null },
  ) {
    super(code, detail);
    this.name = 'ToolError';
    this.outcome = details.outcome;
    this.retryable = details.retryable ?? errorTable[code].retryable;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}
