import { createServer } from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

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

/**
 * Starts a service on the loopback address as the world beyond an agent's tools: `GET` reads, `POST /repeatable/…` takes
 * effect once for each `Idempotency-Key`, and every other `POST` takes effect each time. The effect comes before the
 * answer, so a caller that dies in between leaves it behind.
 */
export async function startEffectService(): Promise<EffectService> {
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

  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const answer = apply(request, Buffer.concat(parts).toString('utf8'));
      setTimeout(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(answer);
      }, delayMs).unref();
    });
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
