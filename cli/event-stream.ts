import { setTimeout as delay } from 'node:timers/promises';
import { isTransient } from './api-client.ts';
import type { ApiClient } from './api-client.ts';
import { CliError } from './cli-error.ts';

/** One server-sent event. */
export interface StreamEvent {
  readonly id: string | null;
  readonly event: string;
  readonly data: unknown;
}

/** For how long a broken stream is taken up again before the command gives up. */
const patienceMs = 120_000;
const longestWaitMs = 5_000;

/**
 * The events of `path` until one of them is final. A stream that breaks is taken up again behind the last event seen,
 * so that none is missed and none comes twice. Throws CliError when the API stays away for two minutes.
 */
export async function* followEvents(
  api: ApiClient,
  path: string,
  {
    isFinal,
    signal,
    onBroken,
  }: { isFinal: (event: StreamEvent) => boolean; signal: AbortSignal; onBroken?: () => void },
): AsyncGenerator<StreamEvent, void, undefined> {
  let lastId: string | null = null;
  let waitMs = 250;
  let brokenSince: number | null = null;
  for (;;) {
    let openedAt = Number.POSITIVE_INFINITY;
    try {
      const body = await api.openStream(path, lastId, signal);
      if (body === null) return;
      openedAt = Date.now();
      for await (const event of parseEvents(body)) {
        lastId = event.id ?? lastId;
        waitMs = 250;
        brokenSince = null;
        yield event;
        if (isFinal(event)) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (!isTransient(error)) throw error;
    }
    // A stream in which nothing happened for a while was there all the same.
    if (Date.now() - openedAt > longestWaitMs) brokenSince = null;
    // Ended before its final event: the process that served it is stopping, or was killed.
    brokenSince ??= Date.now();
    onBroken?.();
    if (Date.now() - brokenSince > patienceMs)
      throw new CliError(
        `The API at ${api.url} has been away for two minutes. What was asked goes on without this command.`,
      );
    await delay(waitMs, undefined, { signal });
    waitMs = Math.min(waitMs * 2, longestWaitMs);
  }
}

/** Reads the events of a body in the format of server-sent events (WHATWG HTML, 9.2); `data` must be JSON. */
export async function* parseEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent, void, undefined> {
  let fields: { id: string | null; event: string; data: string[] } = { id: null, event: 'message', data: [] };
  for await (const line of readLines(body)) {
    if (line === '') {
      if (fields.data.length > 0) yield { ...fields, data: JSON.parse(fields.data.join('\n')) as unknown };
      fields = { id: null, event: 'message', data: [] };
      continue;
    }
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
    if (name === 'id') fields.id = value;
    else if (name === 'event') fields.event = value;
    else if (name === 'data') fields.data.push(value);
  }
}

async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    // A carriage return at the end may be half of a line break.
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
