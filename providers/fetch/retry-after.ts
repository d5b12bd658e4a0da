/**
 * Reads how long to wait before a retry, in milliseconds: `retry-after-ms`, then `retry-after` in seconds or as an HTTP
 * date (RFC 9110, 10.2.3). Null when the headers do not say; a date in the past is 0.
 */
export function retryAfterMs(headers: Headers, now: number = Date.now()): number | null {
  const milliseconds = nonNegative(headers.get('retry-after-ms'));
  if (milliseconds !== null) return Math.ceil(milliseconds);
  const value = headers.get('retry-after');
  const seconds = nonNegative(value);
  if (seconds !== null) return Math.ceil(seconds * 1_000);
  // Date.parse would take a number, such as a negative one, for a year.
  const date = value === null || !/[A-Za-z]/.test(value) ? Number.NaN : Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

function nonNegative(value: string | null): number | null {
  if (value === null || value.trim() === '') return null;
  const number = Number(value);
  return Number.isFinite(number) && number >= 0 ? number : null;
}
