/** Everything that can go wrong with a provider, in words that do not depend on which one it is. */
export type ProviderErrorCode =
  | 'rate_limited'
  | 'unavailable'
  | 'timeout'
  | 'authentication'
  | 'invalid_request'
  | 'context_length'
  | 'content_filter'
  | 'insufficient_quota'
  | 'model_not_found'
  | 'malformed_response';

/** What is known about a failed call besides its code. */
export interface ProviderErrorDetails {
  readonly retryable: boolean;
  readonly retryAfterMs?: number | null;
  readonly status?: number | null;
  readonly requestId?: string | null;
}

/**
 * Thrown by every adapter when a call fails. The message never holds the provider's own text, which may quote the
 * prompt or a key: only code, status, request id and the way out. For the same reason it has no `cause`.
 */
export class ProviderError extends Error {
  readonly code: ProviderErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** How long the provider asked to wait before a retry, in milliseconds; null when it did not say. */
  readonly retryAfterMs: number | null;
  /** The HTTP status; null when there was no response (connection, time-out) or no HTTP. */
  readonly status: number | null;
  /** The provider's id of the request, for its support. */
  readonly requestId: string | null;

  constructor(code: ProviderErrorCode, message: string, details: ProviderErrorDetails) {
    super(message);
    this.name = 'ProviderError';
    this.code = code;
    this.retryable = details.retryable;
    this.retryAfterMs = details.retryAfterMs ?? null;
    this.status = details.status ?? null;
    this.requestId = details.requestId ?? null;
  }
}
