import { setTimeout as delay } from 'node:timers/promises';
import type { Problem } from '../contracts/problem.ts';
import { CliError } from './cli-error.ts';

/** A request that the API refused. */
export class ApiError extends CliError {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
  }
}

/** How one request differs from a plain GET. */
export interface RequestOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  /** Bytes as they are, in the place of `body`. */
  readonly upload?: { readonly bytes: Uint8Array<ArrayBuffer>; readonly mediaType: string };
  /** Makes the request safe to send again: the same key with the same body takes effect once. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
}

/** For how long a request is repeated, once the API has been seen: a killed process is back in seconds. */
const patienceMs = 60_000;
const requestTimeoutMs = 60_000;

/** Speaks to the API. Requests that are safe to repeat are, when the connection breaks or the API is over capacity. */
export class ApiClient {
  readonly url: string;
  readonly #key: string | null;
  #reached = false;

  constructor(url: string, key: string | null) {
    this.url = url;
    this.#key = key;
  }

  /** The body of the answer. Throws ApiError when it is a refusal, and CliError when nobody answers. */
  async request<Body>(path: string, options: RequestOptions = {}): Promise<Body> {
    const repeatable = (options.method ?? 'GET') === 'GET' || options.idempotencyKey !== undefined;
    const started = Date.now();
    for (let attempt = 1; ; attempt += 1) {
      try {
        const response = await this.#send(path, options);
        this.#reached = true;
        return (response.status === 204 ? undefined : await response.json()) as Body;
      } catch (error) {
        options.signal?.throwIfAborted();
        const waitMs = repeatable && this.#mayCome(error) ? waitBefore(error, attempt) : null;
        if (waitMs === null || Date.now() + waitMs - started > patienceMs) throw this.#explain(error);
        await delay(waitMs, undefined, options.signal ? { signal: options.signal } : {});
      }
    }
  }

  /** The body of a GET that answers with plain text. */
  async text(path: string): Promise<string> {
    return (await this.#send(path, {})).text();
  }

  /**
   * An open event stream from behind the event `lastEventId`, or that of what a POST of `posted` has begun. Null: there is
   * nothing behind it. One attempt: the reader knows when to come back.
   */
  async openStream(
    path: string,
    lastEventId: string | null,
    signal: AbortSignal,
    posted?: unknown,
  ): Promise<ReadableStream<Uint8Array> | null> {
    const headers = { accept: 'text/event-stream', ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }) };
    const post = { method: 'POST', body: JSON.stringify(posted) };
    const response = await fetch(`${this.url}${path}`, {
      headers: {
        ...headers,
        ...this.#authorization(),
        ...(posted === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(posted === undefined ? {} : post),
      signal,
    });
    if (response.status === 204) return null;
    if (!response.ok || !response.body) throw await refusal(response);
    return response.body;
  }

  /** The answer to a request that needs no key, whatever its status; null when nobody answers. */
  async probe(path: string): Promise<{ status: number; body: unknown } | null> {
    try {
      const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) });
      return { status: response.status, body: await response.json() };
    } catch {
      return null;
    }
  }

  async #send(
    path: string,
    { method = 'GET', body, upload, idempotencyKey, signal }: RequestOptions,
  ): Promise<Response> {
    const timeout = AbortSignal.timeout(requestTimeoutMs);
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        accept: 'application/json, text/plain',
        ...this.#authorization(),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(upload === undefined ? {} : { 'content-type': upload.mediaType }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(upload === undefined ? {} : { body: upload.bytes }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
    if (!response.ok) throw await refusal(response);
    return response;
  }

  /** Whether patience is worth while: not where nothing ever listened. */
  #mayCome(error: unknown): boolean {
    return this.#reached || !/^(?:ECONNREFUSED|ENOTFOUND|bad port)$/.test(connectionCause(error));
  }

  #authorization(): Record<string, string> {
    return this.#key === null ? {} : { authorization: `Bearer ${this.#key}` };
  }

  #explain(error: unknown): Error {
    if (error instanceof ApiError && error.status === 401) {
      const reason = this.#key === null ? 'No API key was found.' : 'The API refused the key.';
      return new CliError(
        `${reason} Set PERDURE_API_KEY, or PERDURE_HOME to the folder of the stack, whose file api-key holds the first key.`,
      );
    }
    if (error instanceof CliError) return error;
    return new CliError(
      `The API at ${this.url} does not answer (${connectionCause(error)}). Start it with "npm start", or set PERDURE_URL ` +
        'to where it runs.',
    );
  }
}

/** Whether a later attempt may get through: the connection broke, or the API said that it is busy. */
export function isTransient(error: unknown): boolean {
  return !(error instanceof CliError) || error instanceof BusyError;
}

/** Refused for now: too many requests, or a part of the service is away. */
class BusyError extends ApiError {
  readonly retryAfterMs: number | null;

  constructor(status: number, code: string, message: string, retryAfterMs: number | null) {
    super(status, code, message);
    this.retryAfterMs = retryAfterMs;
  }
}

function waitBefore(error: unknown, attempt: number): number | null {
  if (!isTransient(error)) return null;
  const asked = error instanceof BusyError ? error.retryAfterMs : null;
  return Math.min(asked ?? 100 * 2 ** attempt, 5_000);
}

async function refusal(response: Response): Promise<ApiError> {
  const problem = (await response.json().catch(() => null)) as Partial<Problem> | null;
  const detail = problem?.detail ?? `The API answered ${response.status} ${response.statusText}.`;
  // The detail begins with the first mistake.
  const mistakes = (problem?.errors ?? []).map(({ path, message }) => `${path}: ${message}`);
  const text = [detail, ...mistakes.filter((mistake) => !detail.startsWith(mistake))].join('\n  ');
  const code = problem?.code ?? String(response.status);
  if (response.status !== 429 && response.status !== 503) return new ApiError(response.status, code, text);
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new BusyError(response.status, code, text, Number.isFinite(seconds) ? seconds * 1000 : null);
}

function connectionCause(error: unknown): string {
  const { name, message, cause } = error as {
    name?: string;
    message?: string;
    cause?: { code?: string; message?: string };
  };
  if (name === 'TimeoutError') return 'no answer in time';
  return cause?.code ?? cause?.message ?? message ?? String(error);
}
