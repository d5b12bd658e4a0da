import dgram from 'node:dgram';
import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import net from 'node:net';

/**
 * Closes what the permission model leaves open: sockets, name resolution, fetch, signals to other processes, new threads
 * and the channel to the worker. Must run before any parser is loaded, and cannot be undone.
 */
export function closeExits(): void {
  const refuse = (what: string) =>
    function refused(): never {
      throw new Error(`A parser may not ${what}.`);
    };
  const network = refuse('reach the network');
  replaceAll(net.Socket.prototype, ['connect'], network);
  replaceAll(net.Server.prototype, ['listen'], network);
  replaceAll(dgram.Socket.prototype, ['bind', 'connect', 'send'], network);
  replaceFunctions(dns, network);
  replaceFunctions(dns.promises, network);
  replaceFunctions(dns.Resolver.prototype, network);
  replaceFunctions(dns.promises.Resolver.prototype, network);
  replaceAll(globalThis, ['fetch', 'WebSocket', 'EventSource'], network);
  replaceAll(process, ['kill', 'send', 'disconnect'], refuse('touch another process'));
  syncBuiltinESMExports();
  // The watching thread runs by now; a thread would come without the limits of this one.
  const { permission } = process as unknown as { permission: { drop(scope: string): void } };
  permission.drop('worker');
}

function replaceFunctions(target: object, replacement: () => never): void {
  const own = Object.entries(Object.getOwnPropertyDescriptors(target));
  const names = own.filter(
    ([name, { value }]) => typeof value === 'function' && name !== 'constructor' && /^[a-z]/.test(name),
  );
  replaceAll(target, names.map(([name]) => name), replacement); // prettier-ignore
}

function replaceAll(target: object, names: readonly string[], replacement: () => never): void {
  for (const name of names) {
    Object.defineProperty(target, name, { value: replacement, writable: false, configurable: false, enumerable: true });
  }
}
