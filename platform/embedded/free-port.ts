import { createServer } from 'node:net';
import { EmbeddedServerError } from './embedded-server-error.ts';

const portsTried = 200;

/** Whether nothing listens on this port of the loopback address. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** The preferred port, or the next one above it that is free and not among `taken`. Throws if 200 in a row are busy. */
export async function findFreePort(preferred: number, taken: ReadonlySet<number> = new Set()): Promise<number> {
  for (let port = preferred; port < preferred + portsTried; port += 1) {
    if (!taken.has(port) && (await isPortFree(port))) return port;
  }
  throw new EmbeddedServerError(
    `Ports ${preferred} to ${preferred + portsTried - 1} of 127.0.0.1 are all in use. Stop what holds them and try again.`,
  );
}
