import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAddressPolicy } from '../../../providers/fetch/address-policy.ts';
import { createGuardedFetch, type GuardedFetch } from '../../../providers/fetch/guarded-fetch.ts';

/** A server on loopback, whose answers a test sets, and what it was asked. */
export class SiteServer {
  readonly asked: { url: string; headers: IncomingMessage['headers']; at: number }[] = [];
  answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.writeHead(404).end();
  #server: Server | null = null;

  get url(): string {
    return `http://127.0.0.1:${(this.#server!.address() as AddressInfo).port}`;
  }

  get host(): string {
    return new URL(this.url).host;
  }

  async start(): Promise<void> {
    this.#server = createServer((request, response) => {
      this.asked.push({ url: request.url ?? '', headers: request.headers, at: Date.now() });
      this.answer(request, response);
    }).listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  stop(): void {
    this.#server?.closeAllConnections();
    this.#server?.close();
  }
}

/** A fetch that may reach loopback. */
export const loopbackFetch: GuardedFetch = createGuardedFetch(createAddressPolicy(['127.0.0.1']), 'PerdureBot/1.0');
