import { on } from 'node:events';
import { parentPort, workerData } from 'node:worker_threads';
import { MiniLmSession } from '../../providers/local/minilm-session.ts';

/** Where the thread finds the weights, and the number of the next text that no thread has taken. */
export interface BareModelThreadData {
  readonly weights: string;
  readonly next: SharedArrayBuffer;
}

const port = parentPort!;
const { weights, next } = workerData as BareModelThreadData;
const session = await MiniLmSession.load(weights);
const taken = new Int32Array(next);

// Embeds what the other threads leave of the texts that it is sent, answers when nothing is left, and ends with null.
for await (const [texts] of on(port, 'message') as AsyncIterable<[readonly string[] | null]>) {
  if (texts === null) break;
  for (let text = texts[Atomics.add(taken, 0, 1)]; text !== undefined; text = texts[Atomics.add(taken, 0, 1)])
    await session.embed(text);
  port.postMessage('done', []);
}
await session.release();
port.close();
