import { connect, constants, createServer } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import type { Proxy } from './postgres-proxy.ts';
import type { Sighting, TrapBoard } from './trap-board.ts';

/** A proxy that can also keep its process from getting work. */
export interface TemporalProxy extends Proxy {
  /** Whether polls reach the server. Closing it takes back those that wait there; opening it sends them again. */
  setPolling(open: boolean): void;
}

type Answer = { headers: OutgoingHttpHeaders; body: Buffer; trailers: OutgoingHttpHeaders };

// gRPC over HTTP/2: flag and length before the message.
const prefixBytes = 5;
const unavailable: Answer = {
  headers: { ':status': 200, 'content-type': 'application/grpc' },
  body: Buffer.alloc(0),
  trailers: { 'grpc-status': '14', 'grpc-message': 'The connection to Temporal was lost.' },
};

/** Stands between one process and Temporal and shows each call to the board. Every call of the service is unary. */
export async function startTemporalProxy(
  process: string,
  upstreamPort: number,
  board: TrapBoard,
  { polling }: { polling: boolean },
): Promise<TemporalProxy> {
  const gate = new Gate(polling);
  const sessions = new Set<{ destroy(): void }>();
  const server = createServer();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  let upstream: ClientHttp2Session | undefined;
  const connected = () => {
    if (upstream === undefined || upstream.closed || upstream.destroyed) {
      const session = connect(`http://127.0.0.1:${upstreamPort}`);
      session.on('error', () => {});
      session.on('close', () => sessions.delete(session));
      sessions.add(session);
      upstream = session;
    }
    return upstream;
  };
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    relay(stream, headers).catch(() => stream.destroy());
  });

  async function relay(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const body = await readAll(stream);
    const sighting = see(process, String(headers[constants.HTTP2_HEADER_PATH]), body);
    const { before, after } = board.meet(sighting);
    if (before) await before.hold(sighting);
    if (stream.destroyed) return;
    const isPoll = /^Poll.*TaskQueue$/.test(sighting.what);
    const answer = isPoll
      ? await gate.pass((signal) => call(connected(), headers, body, stream, signal))
      : await call(connected(), headers, body, stream);
    if (after && answer !== unavailable) await after.hold(sighting);
    if (!stream.destroyed && answer) respond(stream, answer);
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    setPolling: (open) => gate.set(open),
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** Lets polls through while it is open. */
class Gate {
  #open: boolean;
  #change = new AbortController();

  constructor(open: boolean) {
    this.#open = open;
  }

  set(open: boolean): void {
    this.#open = open;
    const change = this.#change;
    this.#change = new AbortController();
    change.abort();
  }

  /** Calls once it is open, and again if it was closed before the answer came; undefined when the client has left. */
  async pass(poll: (signal: AbortSignal) => Promise<Answer | undefined>): Promise<Answer | undefined> {
    for (;;) {
      const { signal } = this.#change;
      if (!this.#open) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        continue;
      }
      const answer = await poll(signal);
      if (answer !== undefined || !signal.aborted) return answer;
    }
  }
}

/** Makes the call at the server; undefined if the client or `signal` gave it up. */
function call(
  upstream: ClientHttp2Session,
  headers: IncomingHttpHeaders,
  body: Buffer,
  client: ServerHttp2Stream,
  signal?: AbortSignal,
): Promise<Answer | undefined> {
  return new Promise((resolve) => {
    if (client.destroyed || signal?.aborted) return resolve(undefined);
    const answer: Answer = { headers: {}, body: Buffer.alloc(0), trailers: {} };
    const parts: Buffer[] = [];
    const request = upstream.request({ ...headers });
    const giveUp = () => {
      resolve(undefined);
      request.close(constants.NGHTTP2_CANCEL);
    };
    client.once('close', giveUp);
    signal?.addEventListener('abort', giveUp, { once: true });
    request.on('response', (received) => (answer.headers = { ...received }));
    request.on('trailers', (received) => (answer.trailers = { ...received }));
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('error', () => {});
    request.on('close', () => {
      client.off('close', giveUp);
      signal?.removeEventListener('abort', giveUp);
      const whole = 'grpc-status' in answer.trailers || 'grpc-status' in answer.headers;
      resolve(whole ? { ...answer, body: Buffer.concat(parts) } : unavailable);
    });
    request.end(body);
  });
}

function respond(stream: ServerHttp2Stream, { headers, body, trailers }: Answer): void {
  if ('grpc-status' in headers) {
    stream.respond(headers, { endStream: true });
    return;
  }
  stream.respond(headers, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.end(body);
}

function see(process: string, path: string, body: Buffer): Sighting {
  const what = path.split('/').at(-1) ?? path;
  let message: Buffer | undefined;
  // Opened only when somebody asks: most messages are polls.
  const open = () => (message ??= body[0] === 1 ? gunzipSync(body.subarray(prefixBytes)) : body);
  return { process, via: 'temporal', what, within: [], mentions: (text) => open().includes(text) };
}

async function readAll(stream: ServerHttp2Stream): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
