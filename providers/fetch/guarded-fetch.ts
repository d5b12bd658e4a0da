import { request as requestPlain, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as requestSecure } from 'node:https';
import { isIP } from 'node:net';
import type { AddressPolicy, CheckedAddress } from './address-policy.ts';
import { FetchError } from './fetch-error.ts';
import { readBody } from './read-body.ts';

/** One request; only what is given differs from a GET within the usual bounds. */
export interface GuardedRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that only the origin of `url` may see: a redirect elsewhere goes without them. */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Most bytes of the decoded body; 32 MB unless given. */
  readonly maxBytes?: number;
  /** Gives the beginning of a longer body instead of refusing it. */
  readonly cutsBody?: boolean;
  /** For the whole request with its redirects; 30 seconds unless given. */
  readonly timeoutMs?: number;
  /** Ten unless given; with 0 a redirect is an answer like any other. */
  readonly maxRedirects?: number;
  /** Called with each address before it is asked; what it throws ends the request. */
  readonly onHop?: (url: URL) => Promise<void> | void;
  /** Called once a connection stands: from then on the server may have begun to act, whatever the error says. */
  readonly onSend?: () => void;
}

/** An answer of any status; the caller judges it. */
export interface GuardedResponse {
  readonly status: number;
  /** In lower case; several of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Where the answer came from, after all redirects. */
  readonly url: string;
  readonly bytes: Buffer;
  /** Whether `bytes` are only the beginning of the body. */
  readonly isCut: boolean;
}

/** Fetches what people and programs outside have named, within the address policy. */
export type GuardedFetch = (request: GuardedRequest) => Promise<GuardedResponse>;

const usualPorts = [80, 443];
const redirects = new Set([301, 302, 303, 307, 308]);
const addressesTried = 3;

/**
 * Makes a fetch that cannot be led astray: only http and https; each redirect is checked like the first address; the
 * address that was checked is the one that is connected to, so that a name that changes its answer gains nothing; size,
 * time, redirects and the ratio of decompression are bounded.
 */
export function createGuardedFetch(policy: AddressPolicy, userAgent: string): GuardedFetch {
  return async function guardedFetch(request) {
    const timeout = AbortSignal.timeout(request.timeoutMs ?? 30_000);
    const signal = request.signal ? AbortSignal.any([request.signal, timeout]) : timeout;
    let url = readUrl(request.url);
    try {
      return await follow(url);
    } catch (error) {
      if (error instanceof FetchError) throw error;
      request.signal?.throwIfAborted();
      if (timeout.aborted)
        throw new FetchError('fetch_timeout', `${shown(url)} did not answer in time. Try again later.`);
      throw new FetchError('fetch_failed', `${shown(url)} could not be fetched: ${reasonOf(error)}.`);
    }

    async function follow(first: URL): Promise<GuardedResponse> {
      let method = request.method ?? 'GET';
      for (let hop = 0; ; hop += 1) {
        await request.onHop?.(url);
        const response = await send(url, method, url.origin === first.origin);
        const location = response.headers.location;
        if (!redirects.has(response.statusCode ?? 0) || location === undefined || request.maxRedirects === 0)
          return {
            status: response.statusCode ?? 0,
            headers: plainHeaders(response),
            url: url.href,
            ...(await readBody(response, {
              maxBytes: request.maxBytes ?? 32 * 1024 * 1024,
              cuts: request.cutsBody ?? false,
              what: shown(url),
              signal,
            })),
          };
        response.destroy();
        if (hop >= (request.maxRedirects ?? 10))
          throw new FetchError('fetch_too_many_redirects', `${shown(first)} redirects more than ${hop} times.`);
        url = readUrl(location, url);
        // As browsers do (WHATWG Fetch, 4.4): the body is not sent on, except where the status says so.
        if (response.statusCode !== 307 && response.statusCode !== 308 && method !== 'HEAD') method = 'GET';
      }
    }

    async function send(target: URL, method: string, isOrigin: boolean): Promise<IncomingMessage> {
      const port = Number(target.port || (target.protocol === 'https:' ? 443 : 80));
      const addresses = await policy.resolve(target.hostname, port, usualPorts);
      const headers = {
        'user-agent': userAgent,
        accept: '*/*',
        'accept-encoding': 'gzip, br',
        ...request.headers,
        ...(isOrigin ? request.credentials : {}),
        host: target.host,
      };
      const body = method === (request.method ?? 'GET') ? request.body : undefined;
      let failure: unknown;
      let isSent = false;
      const onSend = () => {
        isSent = true;
        request.onSend?.();
      };
      for (const address of addresses.slice(0, addressesTried)) {
        try {
          return await connect(target, { method, headers, signal }, { address, port, body, onSend });
        } catch (error) {
          signal.throwIfAborted();
          failure = error;
          // Another address is another server: what one of them may have done is not asked of a second.
          if (isSent) break;
        }
      }
      throw failure;
    }
  };
}

/** The host goes as an address, so that nothing between here and the socket asks a name server again. */
function connect(
  target: URL,
  options: RequestOptions,
  {
    address,
    port,
    body,
    onSend,
  }: { address: CheckedAddress; port: number; body: Uint8Array | undefined; onSend: () => void },
): Promise<IncomingMessage> {
  const host = target.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const send = target.protocol === 'https:' ? requestSecure : requestPlain;
    const outgoing = send({
      ...options,
      agent: false,
      host: address.address,
      family: address.family,
      port,
      path: `${target.pathname}${target.search}`,
      ...(target.protocol === 'https:' && isIP(host) === 0 ? { servername: host } : {}),
    });
    outgoing.once('socket', (socket) =>
      socket.once(target.protocol === 'https:' ? 'secureConnect' : 'connect', onSend),
    );
    outgoing.once('error', reject).once('response', resolve);
    outgoing.end(body);
  });
}

function readUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (!url) throw new FetchError('address_invalid', `"${text.slice(0, 200)}" is no address. Write https://host/path.`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new FetchError(
      'address_invalid',
      `${url.protocol} is not fetched; the address must begin with https or http.`,
    );
  if (url.username !== '' || url.password !== '')
    throw new FetchError('address_invalid', 'The address holds a user or password. Give credentials as headers.');
  return url;
}

function plainHeaders(response: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(response.headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : (value ?? ''),
    ]),
  );
}

/** An address without its query, which may hold a secret. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`.slice(0, 300);
}

function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: unknown };
  return typeof code === 'string'
    ? code
    : typeof message === 'string'
      ? message.slice(0, 200)
      : 'the connection failed';
}
