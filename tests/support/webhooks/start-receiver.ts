import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A message as it came to a receiver. */
export type ReceivedMessage = { path: string; headers: IncomingHttpHeaders; body: string };

/** A receiver of webhooks on loopback that answers 200 unless `answers` has something else for the path. */
export interface Receiver {
  readonly url: string;
  readonly received: ReceivedMessage[];
  /** By path: what is done with its next messages, one after the other. */
  readonly answers: Map<string, Array<(response: ServerResponse) => void>>;
  /** The messages to one path. */
  at(path: string): ReceivedMessage[];
  close(): Promise<void>;
}

/** Starts a receiver on a free port. */
export async function startReceiver(): Promise<Receiver> {
  const received: ReceivedMessage[] = [];
  const answers: Receiver['answers'] = new Map();
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const path = request.url ?? '';
      received.push({ path, headers: request.headers, body: Buffer.concat(parts).toString() });
      const answer = answers.get(path)?.shift();
      if (answer) answer(response);
      else response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    answers,
    at: (path) => received.filter((message) => message.path === path),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with a status and, where it is given, asks to be tried again after so many milliseconds. */
export function answerWith(status: number, headers: Record<string, string> = {}): (response: ServerResponse) => void {
  return (response) => response.writeHead(status, headers).end();
}
