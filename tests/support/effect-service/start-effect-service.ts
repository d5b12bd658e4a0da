import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One request as the service met it. */
export interface LoggedEffect {
  readonly method: string;
  readonly path: string;
  readonly idempotencyKey: string | null;
  readonly body: string;
  readonly at: number;
  /** Whether it had an effect: reads have none, nor has a key that an idempotent address knows already. */
  readonly applied: boolean;
}

/** A running service whose effects can be counted. */
export interface EffectService {
  readonly url: string;
  /** Every request, in the order in which it arrived whole, whoever went away before the answer. */
  log(): readonly LoggedEffect[];
  /** Waits so long, after the effect, before each answer. */
  delayAnswers(milliseconds: number): void;
  /** Ends every connection and the server. */
  stop(): Promise<void>;
}

/** What a test puts around an effect: `apply` has it and gives the answer; null leaves the request unanswered. */
export type AroundEffect = (
  request: { path: string; body: string; isGone(): boolean },
  apply: () => string,
) => Promise<string | null>;

/**
 * Starts a service on the loopback address as the world beyond an agent's tools: `GET` reads, `POST /repeatable/…` takes
 * effect once for each `Idempotency-Key`, and every other `POST` takes effect each time. The effect comes before the
 * answer, so a caller that dies in between leaves it behind.
 */
export async function startEffectService(around: AroundEffect = async (_, take) => take()): Promise<EffectService> {
  const log: LoggedEffect[] = [];
  const answers = new Map<string, string>();
  let delayMs = 0;

  function apply(request: IncomingMessage, body: string): string {
    const { method = 'GET', url: path = '/' } = request;
    const key = request.headers['idempotency-key'];
    const idempotencyKey = typeof key === 'string' ? key : null;
    const known = path.startsWith('/repeatable/') && idempotencyKey !== null ? answers.get(idempotencyKey) : undefined;
    const applied = method !== 'GET' && known === undefined;
    log.push({ method, path, idempotencyKey, body, at: Date.now(), applied });
    if (known !== undefined) return known;
    const answer = JSON.stringify({ receipt: log.length, path });
    if (idempotencyKey !== null) answers.set(idempotencyKey, answer);
    return answer;
  }

  async function respond(request: IncomingMessage, response: ServerResponse, body: string): Promise<void> {
    const asked = { path: request.url ?? '/', body, isGone: () => response.destroyed };
    const text = await around(asked, () => apply(request, body));
    if (text === null) return void response.destroy();
    await sleep(delayMs, undefined, { ref: false });
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(text);
  }

  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => void respond(request, response, Buffer.concat(parts).toString('utf8')));
    request.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    log: () => [...log],
    delayAnswers(milliseconds) {
      delayMs = milliseconds;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
