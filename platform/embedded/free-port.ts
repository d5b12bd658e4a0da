import { createServer } from 'node:net';
import { EmbeddedServerError } from './embedded-server-error.ts';

const portsTried = 200;

/** A port of the loopback address that nothing else can take until it is released for the process that it is meant for. */
export interface ReservedPort {
  port: number;
  release: () => Promise<void>;
}

/** Takes this port if nothing listens on it; null otherwise. */
export function reservePort(port: number): Promise<ReservedPort | null> {
  return new Promise((resolve) => {
    // A client of the port's last owner that comes back: closing would wait for as long as it stays.
    const server = createServer((socket) => socket.destroy());
    // Never what keeps this process alive.
    server.unref();
    server.once('error', () => resolve(null));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      resolve({ port, release: () => new Promise((released) => server.close(() => released())) });
    });
  });
}

/** Whether nothing listens on this port of the loopback address. */
export async function isPortFree(port: number): Promise<boolean> {
  const reserved = await reservePort(port);
  await reserved?.release();
  return reserved !== null;
}

/** Takes the preferred port, or the next one above it that is free. Throws if 200 in a row are busy. */
export async function reserveFreePort(preferred: number): Promise<ReservedPort> {
  for (let port = preferred; port < preferred + portsTried; port += 1) {
    const reserved = await reservePort(port);
    if (reserved !== null) return reserved;
  }
  throw new EmbeddedServerError(
    `Ports ${preferred} to ${preferred + portsTried - 1} of 127.0.0.1 are all in use. Stop what holds them and try again.`,
  );
}
