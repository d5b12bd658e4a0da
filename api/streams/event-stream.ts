import { once } from 'node:events';
import type { ServerResponse } from 'node:http';

/** One server-sent event; `data` is sent as JSON. */
export type ServerSentEvent = { id?: string | number; event: string; data: unknown };

/** What a client asks for in `accept` to get events. */
export const eventStreamType = 'text/event-stream';

/** A client that reads nothing for this long is cut off; it comes back with Last-Event-ID. */
const stallMs = 60_000;
/** How long a client waits before it reconnects, sent at the beginning and at a shutdown. */
const retryMs = 1_000;

/** A response that stays open and carries events (text/event-stream), with comments that keep proxies from closing it. */
export class EventStream {
  readonly #response: ServerResponse;
  readonly #closed = new AbortController();
  readonly #keepAlive: NodeJS.Timeout;

  constructor(response: ServerResponse, { keepAliveMs }: { keepAliveMs: number }) {
    this.#response = response;
    response.on('close', () => this.#stop()).on('error', () => this.#stop());
    response.writeHead(200, {
      'content-type': `${eventStreamType}; charset=utf-8`,
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${retryMs}\n\n`);
    this.#keepAlive = setInterval(() => {
      if (!response.writableNeedDrain) response.write(': keep-alive\n\n');
    }, keepAliveMs);
  }

  /** Aborted once the client has gone or the stream was ended. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** Writes events in one piece and waits until the client has taken them in; returns at once when it has gone. */
  async send(events: readonly ServerSentEvent[]): Promise<void> {
    if (this.#closed.signal.aborted || events.length === 0) return;
    if (this.#response.write(events.map(render).join(''))) return;
    const signal = AbortSignal.any([this.#closed.signal, AbortSignal.timeout(stallMs)]);
    await once(this.#response, 'drain', { signal }).catch(() => this.#response.destroy());
  }

  /** Ends the stream; the client may come back with Last-Event-ID unless it has seen the final event. */
  end(): void {
    if (this.#closed.signal.aborted) return;
    this.#response.end(`retry: ${retryMs}\n\n`);
    this.#stop();
  }

  #stop(): void {
    clearInterval(this.#keepAlive);
    this.#closed.abort();
  }
}

function render({ id, event, data }: ServerSentEvent): string {
  const head = id === undefined ? '' : `id: ${id}\n`;
  // JSON holds no line break, so one data line is enough.
  return `${head}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
