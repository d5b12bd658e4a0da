import type { TestApi } from './test-api.ts';

/** One server-sent event as a client sees it. */
export type SeenEvent = { id: string | null; event: string; data: any }; // oxlint-disable-line typescript/no-explicit-any -- tests assert on whatever came

/** An open event stream. */
export type Events = {
  status: number;
  headers: Headers;
  /** Everything that has come so far. */
  seen: SeenEvent[];
  /** The raw text so far, comments and retry hints included. */
  text(): string;
  /** Resolves with everything once the server ends the stream, or the connection breaks. */
  ended: Promise<SeenEvent[]>;
  close(): void;
};

/** Opens an event stream with the tenant's key and collects what comes; with a `body` it is asked for by a POST. */
export async function openEvents(
  api: TestApi,
  path: string,
  headers: Record<string, string> = {},
  body?: unknown,
): Promise<Events> {
  const abort = new AbortController();
  const response = await fetch(`${api.url}${path}`, {
    signal: abort.signal,
    headers: {
      authorization: `Bearer ${api.tenant.key}`,
      ...(body === undefined ? {} : { accept: 'text/event-stream', 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  const seen: SeenEvent[] = [];
  let text = '';
  async function collect(): Promise<SeenEvent[]> {
    let open = '';
    try {
      for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
        text += part;
        const blocks = (open + part).split('\n\n');
        open = blocks.pop()!;
        seen.push(...blocks.flatMap(parse));
      }
    } catch {
      // A connection that breaks ends the stream as well.
    }
    return seen;
  }
  return {
    status: response.status,
    headers: response.headers,
    seen,
    text: () => text,
    ended: collect(),
    close: () => abort.abort(),
  };
}

function parse(block: string): SeenEvent[] {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1] ?? null;
  const event = field('event');
  return event === null ? [] : [{ id: field('id'), event, data: JSON.parse(field('data') ?? 'null') }];
}
