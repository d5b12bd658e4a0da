import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Proxy } from './postgres-proxy.ts';
import type { Sighting, TrapBoard } from './trap-board.ts';

/** Words in a text to embed that change how the fake provider answers it; the texts themselves reach it unchanged. */
export const providerWords = {
  /** Refused as a bad request, which is not tried again. */
  refused: 'unembeddable',
  /** Answered only after two seconds. */
  slow: 'leisurely',
  /** Answered so late that a cancel which is held up still meets it. */
  stuck: 'interminable',
  /** The same, of the model alone that moves go to. */
  stuckWhenMoved: 'immovable',
} as const;

/** What of the provider's model id tells the model that moves go to from others. */
export const movedModel = 'dimensions=32';

const stuck = 'firstTokenMs=60000';
const behaviours: Record<keyof typeof providerWords, { order: string; model: string }> = {
  refused: { order: 'status=400', model: '' },
  slow: { order: 'firstTokenMs=2000', model: '' },
  stuck: { order: stuck, model: '' },
  stuckWhenMoved: { order: stuck, model: movedModel },
};

/** How a call is refused that is to be tried again. */
export const refusal = { status: 429, retryAfterMs: 1000 } as const;

/** A proxy that can also have calls refused by the provider. */
export interface ProviderProxy extends Proxy {
  readonly url: string;
  /** Asks before each call to embed whether it is to be refused; null refuses none. */
  refuseCalls(next: (() => boolean) | null): void;
}

/**
 * Stands between the workers and the fake provider and shows each call to the board. `before`, the provider has not seen
 * the call; `after`, it has answered, and has written the call into its log as paid.
 */
export async function startProviderProxy(upstreamUrl: string, board: TrapBoard): Promise<ProviderProxy> {
  const upstream = new URL(upstreamUrl);
  let refuse: (() => boolean) | null = null;

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const left = new AbortController();
    response.once('close', () => left.abort());
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString('utf8');
    const what = request.url ?? '';
    const sighting: Sighting = {
      process: 'worker',
      via: 'provider',
      what,
      within: [],
      mentions: (text) => body.includes(text),
    };
    const { before, after } = board.meet(sighting);
    if (before) await before.hold(sighting);
    if (left.signal.aborted) return;
    const key = request.headers['idempotency-key'];
    const answer = await fetch(new URL(what, upstream), {
      method: request.method ?? 'GET',
      headers: {
        'content-type': 'application/json',
        authorization: request.headers.authorization ?? '',
        ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
      },
      ...(body === '' ? {} : { body: orderBehaviour(body, typeof key === 'string' && refuse?.() === true) }),
      signal: left.signal,
    });
    const type = answer.headers.get('content-type') ?? 'application/json';
    const wait = answer.headers.get('retry-after');
    const headers = { 'content-type': type, ...(wait === null ? {} : { 'retry-after': wait }) };
    if (after) {
      const bytes = Buffer.from(await answer.arrayBuffer());
      await after.hold(sighting);
      response.writeHead(answer.status, headers);
      response.end(bytes);
      return;
    }
    // An answer that is streamed passes as it comes.
    response.writeHead(answer.status, headers);
    for await (const part of answer.body ?? []) response.write(part);
    response.end();
  }

  const server = createServer((request, response) => {
    relay(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}${upstream.pathname}`,
    refuseCalls: (next) => {
      refuse = next;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function orderBehaviour(body: string, refused: boolean): string {
  const word = (Object.keys(providerWords) as Array<keyof typeof providerWords>).find(
    (name) => body.includes(providerWords[name]) && body.includes(behaviours[name].model),
  );
  const behaviour = refused
    ? `status=${refusal.status}&retryAfter=${refusal.retryAfterMs / 1000}`
    : word && behaviours[word].order;
  if (behaviour === undefined) return body;
  const request = JSON.parse(body) as { model: string };
  return JSON.stringify({
    ...request,
    model: `${request.model}${request.model.includes('?') ? '&' : '?'}${behaviour}`,
  });
}
