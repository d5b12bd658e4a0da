/**
 * The code of an error for telemetry: `code` or `type` of the error or of the causes it wraps, such as `rate_limited`
 * or a SQLSTATE, and else its class. Never its message, which may quote a document, a prompt or a provider's answer.
 */
export function errorCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name === 'AbortError' || cause.name === 'CancelledFailure') return 'cancelled';
    for (const field of ['type', 'code']) {
      const value: unknown = Reflect.get(cause, field);
      // A code has no blanks: what has any is prose, and may be content.
      if (typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)) return value;
    }
  }
  return error instanceof Error ? error.name : 'unknown';
}
