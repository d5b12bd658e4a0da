import { FetchError } from '../../fetch/fetch-error.ts';
import type { GuardedFetch } from '../../fetch/guarded-fetch.ts';

const largestDocument = 16 * 1024 * 1024;

/** Fetches the text of an OpenAPI document within the address policy. @throws FetchError */
export async function fetchOpenApi(fetch: GuardedFetch, url: string): Promise<string> {
  const response = await fetch({
    url,
    headers: { accept: 'application/json, application/yaml, text/*;q=0.9' },
    maxBytes: largestDocument,
  });
  const { status, bytes } = response;
  if (status === 404 || status === 410)
    throw new FetchError('fetch_not_found', `There is no document at ${url.split('?')[0]}.`, { status });
  if (status < 200 || status > 299)
    throw new FetchError('fetch_refused', `The server of the document answered HTTP ${status}.`, { status });
  return new TextDecoder().decode(bytes);
}
