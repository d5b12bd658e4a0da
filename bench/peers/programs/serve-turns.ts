import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import type { TurnOrder, TurnReady } from '../turn-order.ts';

/** A user's message in a conversation. */
export interface Question {
  conversation: string;
  content: string;
}

/** The order on the command line. */
export const turnOrder = JSON.parse(process.argv[2]!) as TurnOrder;

/** Serves `POST /`: a question in, the answer's text out as it comes; the connection ends when the turn is stored. */
export function serveTurns(answer: (question: Question, send: (text: string) => void) => Promise<void>): void {
  const server = createServer((request, response) => {
    json(request)
      .then((question) => answer(question as Question, (text) => void response.write(text)))
      .then(
        () => response.end(),
        (error: unknown) => {
          console.error(error);
          response.destroy();
        },
      );
  });
  process.once('disconnect', () => process.exit(0));
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send!({ url: `http://127.0.0.1:${port}` } satisfies TurnReady);
  });
}
