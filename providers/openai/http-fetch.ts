import type http from 'node:http';
import { Exchange, type Silences } from './exchange.ts';

type Fetch = typeof globalThis.fetch;

const mostRedirects = 5;
// Statuses whose answers have no body (Fetch standard, "null body status").
const bodiless = new Set([204, 205, 304]);

/** An answer whose body is not a web stream, which costs more than a short answer itself, but the exchange that carries it. */
export class StreamedResponse extends Response {
  readonly pieces: Exchange;

  constructor(pieces: Exchange, init: ResponseInit) {
    super(null, init);
    this.pieces = pieces;
  }
}

/**
 * A fetch over Node's own HTTP client, at a third of the processor time of the built-in one, that ends requests whose
 * provider is silent. What is not JSON comes as a StreamedResponse. Follows the redirects that keep the method.
 */
export function createHttpFetch(silences: Silences): Fetch {
  return async (input, init = {}) => {
    let url = new URL(input instanceof Request ? input.url : input);
    const headers = Object.fromEntries(new Headers(init.headers));
    for (let redirects = 0; ; redirects += 1) {
      const { method = 'GET', body, signal = null } = init;
      const exchange = new Exchange(url, { method, headers, body: bodyOf(body), signal }, silences);
      const head = await exchange.head();
      const { statusCode: status = 0 } = head;
      if ((status !== 307 && status !== 308) || redirects === mostRedirects) return responseOf(exchange, head);
      exchange.release();
      const next = new URL(head.headers.location ?? '', url);
      // Credentials are for the server that they were given for.
      if (next.origin !== url.origin) delete headers['authorization'];
      url = next;
    }
  };
}

function bodyOf(body: unknown): string | Uint8Array | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  throw new TypeError('Requests of models are sent as text or bytes.');
}

function responseOf(exchange: Exchange, head: http.IncomingMessage): Response {
  const { statusCode: status = 0, statusMessage: statusText = '', headers: given } = head;
  const headers = new Headers();
  for (const [name, value] of Object.entries(given))
    headers.set(name, Array.isArray(value) ? value.join(', ') : value!);
  const init = { status, statusText, headers };
  const isJson = given['content-type']?.startsWith('application/json') === true;
  if (status >= 200 && status < 300 && !isJson) return new StreamedResponse(exchange, init);
  return new Response(bodiless.has(status) ? null : ReadableStream.from(exchange), init);
}
