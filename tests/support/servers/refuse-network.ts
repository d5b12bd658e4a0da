import { Socket } from 'node:net';

const loopback = new Set(['127.0.0.1', '::1', 'localhost', '0.0.0.0']);
type Connect = (this: Socket, ...args: unknown[]) => Socket;

/** Lets no test reach beyond this machine: a connection to anything but the loopback address fails the test that asks for it. */
const prototype = Socket.prototype as unknown as { connect: Connect & { refusing?: true } };
if (!prototype.connect.refusing) {
  const connect = prototype.connect;
  const guarded: Connect = function (...args) {
    const target = findHost(args);
    if (target !== null && !loopback.has(target)) {
      throw new Error(`A test tried to connect to ${target}; tests may reach the loopback address only.`);
    }
    return connect.apply(this, args);
  };
  prototype.connect = Object.assign(guarded, { refusing: true as const });
}

/** Node calls itself with a list of options and callback, others with a port and a host; null means a local socket or host. */
function findHost(args: unknown[]): string | null {
  const [first, second] = Array.isArray(args[0]) ? (args[0] as unknown[]) : args;
  if (typeof first === 'object' && first !== null) {
    const { host } = first as { host?: unknown };
    return typeof host === 'string' ? host : null;
  }
  return typeof second === 'string' ? second : null;
}
