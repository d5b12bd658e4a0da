import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { turnNewsChannel } from '../../../../contracts/names/turn-news.ts';
import { FrameReader, readText } from './postgres-frames.ts';
import type { Frame } from './postgres-frames.ts';
import type { Sighting, Trap, TrapBoard } from './trap-board.ts';

/** A running proxy; `port` is where clients find it. */
export interface Proxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** A proxy that can also keep its process from hearing what is told to all. */
interface PostgresProxy extends Proxy {
  /** Whether the process hears of turns that it may begin to answer: work that is not polled for. */
  setNews(open: boolean): void;
}

// Letter, length and the sender's process id stand before the channel of a NotificationResponse.
const channelAt = 9;
// Enough for the keys among a statement's parameters; the texts and vectors behind them are not looked at.
const lookedAt = 4096;

/**
 * Stands between one process and PostgreSQL, shows each statement to the board before it is forwarded, and holds it or
 * its answer where a trap says so. What is held when either end dies is lost with it, as on a real network.
 */
export async function startPostgresProxy(
  process: string,
  upstreamPort: number,
  board: TrapBoard,
  { news }: { news: boolean },
): Promise<PostgresProxy> {
  let isHearing = news;
  const isUnheard = ({ type, bytes }: Frame) =>
    !isHearing && type === 'A' && readText(bytes, channelAt).text === turnNewsChannel;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect({ port: upstreamPort, host: '127.0.0.1' });
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      // A reset is what kills are made of; the close that follows it ends the other side.
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const session = new Session(process, board);
    forward(client, new FrameReader({ starting: true }), (frame) => session.fromClient(frame, upstream));
    forward(upstream, new FrameReader({ starting: false }), (frame) =>
      isUnheard(frame) ? undefined : session.fromServer(frame, client),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    setNews: (open) => {
      isHearing = open;
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Hands each message on in order; while one is held, no more is read from that side. */
function forward(from: Socket, reader: FrameReader, take: (frame: Frame) => Promise<void> | undefined): void {
  const readAll = async () => {
    for await (const bytes of from) {
      for (const frame of reader.read(bytes as Buffer)) {
        const held = take(frame);
        if (held) await held;
      }
    }
  };
  // A read of a destroyed socket fails, which its close handler has dealt with.
  readAll().catch(() => {});
}

type Request = { sighting: Sighting; after: Trap | undefined; answer: Buffer[] };

/** One connection: which statement is under way, and which came before it in its transaction. */
class Session {
  readonly #process: string;
  readonly #board: TrapBoard;
  readonly #prepared = new Map<string, string>();
  /** Messages of the request that is being sent, up to its Sync. */
  #pending: Buffer[] = [];
  #texts: string[] = [];
  #parameters: Buffer[] = [];
  /** Statements and parameters since `begin`. */
  #transaction: { texts: string[]; parameters: Buffer[] } | undefined;
  /** Requests without their ReadyForQuery; the answer to the start-up has none. */
  readonly #underWay: Request[] = [];

  constructor(process: string, board: TrapBoard) {
    this.#process = process;
    this.#board = board;
  }

  fromClient({ type, bytes }: Frame, upstream: Socket): Promise<void> | undefined {
    // Start-up, password, termination, COPY and cancels pass as they are.
    if (!'PBDECHSQ'.includes(type) || type === '') {
      upstream.write(bytes);
      return undefined;
    }
    this.#pending.push(bytes);
    if (type === 'P') {
      const { text: name, next } = readText(bytes, 5);
      this.#prepared.set(name, readText(bytes, next).text);
    } else if (type === 'B') {
      const { next } = readText(bytes, 5);
      this.#texts.push(this.#prepared.get(readText(bytes, next).text) ?? '');
      this.#parameters.push(bytes.subarray(0, lookedAt));
    } else if (type === 'Q') this.#texts.push(readText(bytes, 5).text);
    if (type === 'H') return this.#flush(upstream);
    return type === 'S' || type === 'Q' ? this.#send(upstream) : undefined;
  }

  fromServer({ type, bytes }: Frame, client: Socket): Promise<void> | undefined {
    const request = this.#underWay[0];
    if (type === 'Z') this.#underWay.shift();
    if (!request?.after) {
      client.write(bytes);
      return undefined;
    }
    request.answer.push(bytes);
    return type === 'Z' ? this.#answer(request, request.after, client) : undefined;
  }

  #flush(upstream: Socket): undefined {
    upstream.write(Buffer.concat(this.#pending));
    this.#pending = [];
    return undefined;
  }

  #send(upstream: Socket): Promise<void> | undefined {
    const sighting = this.#see();
    const { before, after } = this.#board.meet(sighting);
    const go = () => {
      // Dead by now: what it had not sent never arrives.
      if (upstream.destroyed) return;
      this.#underWay.push({ sighting, after, answer: [] });
      this.#flush(upstream);
    };
    if (before) return before.hold(sighting).then(go);
    go();
    return undefined;
  }

  async #answer(request: Request, trap: Trap, client: Socket): Promise<void> {
    await trap.hold(request.sighting);
    if (!client.destroyed) client.write(Buffer.concat(request.answer));
  }

  #see(): Sighting {
    const [texts, parameters] = [this.#texts, this.#parameters];
    this.#texts = [];
    this.#parameters = [];
    const what = texts.join(';').trim();
    if (/^(?:begin|start transaction)\b/i.test(what)) this.#transaction = { texts: [], parameters: [] };
    const own = this.#transaction;
    own?.texts.push(...texts);
    own?.parameters.push(...parameters);
    const ends = /^(?:commit|rollback)$/i.test(what);
    if (ends) this.#transaction = undefined;
    const searched = own?.parameters ?? parameters;
    return {
      process: this.#process,
      via: 'postgres',
      what,
      within: own?.texts ?? [],
      mentions: (text) => searched.some((bytes) => bytes.includes(text)),
    };
  }
}
