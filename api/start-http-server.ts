import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PerdureError } from '../contracts/errors.ts';
import type { ApiDeps } from './api-deps.ts';
import { createApp } from './create-app.ts';

/** Requests in flight get this long to end when the server stops. */
const graceMs = 4_000;

/** A listening API. */
export type HttpServer = {
  port: number;
  /** Takes no further request, ends event streams, lets requests in flight end within 4 s, then cuts what is left. */
  stop(): Promise<void>;
};

/**
 * Serves the API on `host`:`port` (0 takes a free one).
 * @throws PerdureError that names the address and the way out when it cannot be listened on.
 */
export async function startHttpServer(deps: ApiDeps, address: { host: string; port: number }): Promise<HttpServer> {
  const app = createApp(deps);
  const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 120_000 }, (request, response) => {
    void app.callback(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(explain(error, address)));
    server.listen(address.port, address.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      app.beginStop();
      server.closeIdleConnections();
      const cut = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(cut);
    },
  };
}

function explain(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  const advice: Record<string, string> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop it, or set PERDURE_PORT to a free port.`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Set PERDURE_HOST to one that it has, such as 127.0.0.1.`,
    EACCES: `This login may not listen on port ${port} of ${host}. Set PERDURE_PORT to a port above 1023.`,
  };
  const known = advice[error.code ?? ''];
  return known === undefined ? error : new PerdureError('unavailable', known);
}
