import { setTimeout as sleep } from 'node:timers/promises';
import { parseEvents } from '../../../cli/event-stream.ts';

/** A request failed for good: the API understood it and said no. */
export class RefusedError extends Error {}

const patienceMs = 90_000;

/**
 * Speaks to the API as a careful client does: repeats what may be repeated until an answer comes. Of several replicas the
 * next one is taken after each failure, and for each new stream.
 */
export class ApiClient {
  readonly #urls: readonly string[];
  readonly #key: string;

  constructor(urls: readonly string[], key: string) {
    this.#urls = urls;
    this.#key = key;
  }

  /** Repeats through connection errors, 429 and 5xx. A POST carries the same `Idempotency-Key` each time. */
  async request<T>(method: string, path: string, body?: unknown, idempotencyKey?: string): Promise<T> {
    const deadline = Date.now() + patienceMs;
    let last = '';
    for (let attempt = 0; ; attempt += 1) {
      try {
        const response = await fetch(`${this.#urlOf(attempt)}${path}`, {
          method,
          headers: {
            authorization: `Bearer ${this.#key}`,
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(15_000),
        });
        const text = await response.text();
        if (response.ok) return (text === '' ? undefined : JSON.parse(text)) as T;
        const again = response.status === 429 || response.status >= 500 || text.includes('request_in_progress');
        last = `${response.status} ${text}`;
        if (!again) throw new RefusedError(`${method} ${path}: ${last}`);
      } catch (error) {
        if (error instanceof RefusedError) throw error;
        last = String(error);
      }
      if (Date.now() > deadline) throw new Error(`${method} ${path}: no answer for ${patienceMs} ms, at last ${last}`);
      await sleep(100);
    }
  }

  /**
   * Follows an event stream to its end through any number of broken connections, with `Last-Event-ID`; `onEvent` returns
   * true when it has seen the last event, and `drop` to go away and come back.
   */
  async follow(
    path: string,
    onEvent: (event: { id: string; kind: string; data: Record<string, unknown> }) => boolean | 'drop',
  ): Promise<void> {
    const deadline = Date.now() + 2 * patienceMs;
    let lastId: string | null = null;
    for (let connection = 0; Date.now() < deadline; connection += 1) {
      try {
        const response = await fetch(`${this.#urlOf(connection)}${path}`, {
          headers: {
            authorization: `Bearer ${this.#key}`,
            accept: 'text/event-stream',
            ...(lastId === null ? {} : { 'last-event-id': lastId }),
          },
          // A frozen API keeps connections open and says nothing: its keep-alive comments are then missed.
          signal: AbortSignal.timeout(30_000),
        });
        if (response.ok && response.body)
          for await (const { id, event, data } of parseEvents(response.body)) {
            if (id !== null) lastId = id;
            const verdict = onEvent({ id: id ?? '', kind: event, data: data as Record<string, unknown> });
            if (verdict === 'drop') break;
            if (verdict) return;
          }
      } catch {
        // Whatever broke the connection: the next one goes on behind the last event.
      }
      await sleep(100);
    }
    throw new Error(`${path}: the stream did not end within ${2 * patienceMs} ms`);
  }

  #urlOf(attempt: number): string {
    return this.#urls[attempt % this.#urls.length]!;
  }
}
