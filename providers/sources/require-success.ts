import { FetchError } from '../fetch/fetch-error.ts';
import type { GuardedResponse } from '../fetch/guarded-fetch.ts';
import { retryAfterMs } from '../fetch/retry-after.ts';

/**
 * Lets answers of success through.
 * @throws FetchError with the code for the status; what a server asks to wait is in `retryAfterMs`.
 */
export function requireSuccess(response: GuardedResponse): GuardedResponse {
  const { status } = response;
  if (status >= 200 && status < 300) return response;
  const url = new URL(response.url);
  const what = `${url.origin}${url.pathname} answered ${status}`;
  if (status === 404 || status === 410)
    throw new FetchError('fetch_not_found', `${what}: there is nothing.`, { status });
  if (status === 401 || status === 403)
    throw new FetchError('source_authentication', `${what}: set the source's credentials anew.`, { status });
  const wait = retryAfterMs(new Headers(response.headers));
  if (status === 429 || status === 503)
    throw new FetchError('source_unavailable', `${what}: it asks to come back later.`, { status, retryAfterMs: wait });
  if (status >= 500 || status === 408)
    throw new FetchError('fetch_failed', `${what}; it is tried again.`, { status, retryAfterMs: wait });
  throw new FetchError('fetch_refused', `${what}. Look at the address in the source's configuration.`, { status });
}
