import { spawn } from 'node:child_process';
import dgram from 'node:dgram';
import dns from 'node:dns';
import { lookup } from 'node:dns/promises';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import v8 from 'node:v8';
import { Worker } from 'node:worker_threads';
import type { DocumentParser } from '../../../../providers/parsers/document-parser.ts';

type Deed = (argument: string) => unknown;

function connected(socket: net.Socket): Promise<string> {
  return new Promise((resolve, reject) => socket.once('connect', () => resolve('connected')).once('error', reject));
}

const deeds: Record<string, Deed> = {
  nothing: () => 'fine',
  'connect a socket': (port) => connected(net.connect(Number(port), '127.0.0.1')),
  'connect by a socket of its own': (port) => connected(new net.Socket().connect(Number(port), '127.0.0.1')),
  'connect with TLS': (port) => connected(tls.connect(Number(port), '127.0.0.1')),
  'ask by HTTP': (port) =>
    new Promise((resolve, reject) => {
      http.get(`http://127.0.0.1:${port}/`, () => resolve('answered')).once('error', reject);
    }),
  fetch: async (port) => (await fetch(`http://127.0.0.1:${port}/`)).status,
  'open a web socket': (port) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
      socket.addEventListener('open', () => resolve('opened'));
      socket.addEventListener('error', () => reject(new Error('refused')));
    }),
  listen: () => new Promise((resolve) => net.createServer().listen(0, () => resolve('listening'))),
  'send a datagram': (port) =>
    new Promise((resolve, reject) => {
      dgram
        .createSocket('udp4')
        .send('x', Number(port), '127.0.0.1', (error) => (error ? reject(error) : resolve('sent')));
    }),
  'look a name up': () => lookup('localhost'),
  'ask a name server': () => new dns.promises.Resolver().resolve4('example.com'),
  'read a file': () => fs.readFileSync('/etc/passwd', 'utf8'),
  'read the environment of a process': () => fs.readFileSync('/proc/self/environ', 'utf8'),
  'read settings beside the code': () => fs.readFileSync(path.resolve(process.cwd(), '.env.example'), 'utf8'),
  'write a file': () => fs.writeFileSync(path.join(os.tmpdir(), 'perdure-hostile'), 'x'),
  'write beside itself': () => fs.writeFileSync(path.join(import.meta.dirname, 'hostile.txt'), 'x'),
  'open a database file': async () => {
    const { DatabaseSync } = await import('node:sqlite');
    new DatabaseSync(path.join(os.tmpdir(), 'perdure-hostile.db')).exec('create table t (a)');
  },
  'write a report': () => process.report.writeReport('/tmp/perdure-hostile.json'),
  'write a snapshot': () => v8.writeHeapSnapshot('/tmp/perdure-hostile.heapsnapshot'),
  'load settings': () => process.loadEnvFile(path.resolve(process.cwd(), '.env.example')),
  'start a process': () => new Promise((resolve, reject) => spawn('true').once('exit', resolve).once('error', reject)),
  'start a thread': () => new Worker('1', { eval: true }),
  'kill the worker': () => process.kill(process.ppid, 'SIGKILL'),
  'speak to the worker': () => process.send!({ kind: 'parsed' }),
  'load native code': () => process.dlopen({ exports: {} }, '/lib/x.node'),
  'reach internals': () => (process as unknown as { binding(name: string): unknown }).binding('tcp_wrap'),
  'show its environment': () =>
    Object.keys(process.env)
      .filter((name) => !name.startsWith('NODE_CHANNEL'))
      .join(','),
  'loop for ever': () => {
    for (;;);
  },
  'wait for ever': () => new Promise(() => setInterval(() => undefined, 1000)),
  'fill the heap': () => {
    const all: string[][] = [];
    for (;;) all.push(Array.from<string>({ length: 100_000 }).fill('x'));
  },
  'fill the memory': () => {
    const all: Buffer[] = [];
    for (;;) all.push(Buffer.alloc(1024 ** 2, 1));
  },
  'print without end': async () => {
    for (;;) await new Promise((resolve) => process.stderr.write('x'.repeat(10_000), resolve));
  },
  exit: () => process.exit(0),
  abort: () => process.abort(),
  'fail later': async () => {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    await new Promise(() => undefined);
  },
  recurse: () => {
    const deeper = (depth: number): number => deeper(depth + 1) + 1;
    return deeper(0);
  },
  throw: () => {
    throw new TypeError('x is not a function');
  },
  'write too much': () => 'x'.repeat(2_000_000),
};

/** A parser that does what the first line says, and tells of the result as its text. */
export async function findParser(mimeType: string): Promise<DocumentParser> {
  return {
    reads: 'bytes',
    async parse(bytes) {
      const [deed = '', argument = ''] = Buffer.from(bytes).toString().split('\n');
      const result = await deeds[deed]!(argument);
      const facts = { title: null, language: null, pages: [], boundaries: null, warnings: [] };
      return { text: `done: ${String(result)}`, format: 'text', mimeType, ...facts };
    },
  };
}
