import { setTimeout as sleep } from 'node:timers/promises';
import { parseEvents } from '../../../cli/event-stream.ts';

/** A request failed for good: the API understood it and said no. */
export class RefusedError extends Error {}

const patienceMs = 90_000;

/** Speaks to the API as a careful client does: repeats what may be repeated until an answer comes. */
export class ApiClient {
  readonly #url: string;
  readonly #key: string;

  constructor(url: string, key: string) {
    this.#url = url;
    this.#key = key;
  }

  /** Repeats through connection errors, 429 and 5xx. A POST carries the same `Idempotency-Key` each time. */
  async request<T>(method: string, path: string, body?: unknown, idempotencyKey?: string): Promise<T> {
    const deadline = Date.now() + patienceMs;
    let last = '';
    for (;;) {
      try {
        const response = await fetch(`${this.#url}${path}`, {
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
   * true when it has seen the last event.
   */
  async follow(
    path: string,
    onEvent: (event: { id: string; kind: string; data: Record<string, unknown> }) => boolean,
  ): Promise<void> {
    const deadline = Date.now() + 2 * patienceMs;
    let lastId: string | null = null;
    while (Date.now() < deadline) {
      try {
        const response = await fetch(`${this.#url}${path}`, {
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
            if (onEvent({ id: id ?? '', kind: event, data: data as Record<string, unknown> })) return;
          }
      } catch {
        // Whatever broke the connection: the next one goes on behind the last event.
      }
      await sleep(100);
    }
    throw new Error(`${path}: the stream did not end within ${2 * patienceMs} ms`);
  }
}
