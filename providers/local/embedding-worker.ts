import { parentPort, workerData } from 'node:worker_threads';

import { ProviderError } from '../provider-error.ts';
import type { EmbeddingCommand, EmbeddingPriority, EmbeddingReply, EmbeddingThreadData } from './embedding-messages.ts';
import { MiniLmSession } from './minilm-session.ts';
import type { EmbeddedText } from './minilm-session.ts';
import { NativeSection } from './native-section.ts';
import { locateWeights } from './weights.ts';

/** A text whose turn has not come. */
interface WaitingText {
  readonly call: number;
  readonly text: string;
}

if (parentPort === null) throw new Error('embedding-worker.ts runs in a worker thread only.');
const port = parentPort;
const { modelDirectory, sectionBuffer } = workerData as EmbeddingThreadData;
const section = new NativeSection(sectionBuffer);
const waiting: Record<EmbeddingPriority, WaitingText[]> = { query: [], batch: [] };
let session: MiniLmSession | null = null;
let working = false;
let closing = false;

port.on('message', (command: EmbeddingCommand) => {
  if (command.type === 'embed') waiting[command.priority].push(command);
  else closing = true;
  void work();
});

/** Takes one text at a time, a query's first: so a query waits for no more than the text that is being computed. */
async function work(): Promise<void> {
  if (working) return;
  working = true;
  for (let next = takeNext(); next !== undefined; next = takeNext()) await answer(next);
  working = false;
  if (!closing) return;
  await session?.release();
  // Without its port, nothing keeps the thread alive.
  port.close();
}

function takeNext(): WaitingText | undefined {
  if (closing) return undefined;
  return waiting.query.shift() ?? waiting.batch.shift();
}

async function answer({ call, text }: WaitingText): Promise<void> {
  try {
    const { vector, tokens } = await section.run(() => embed(text));
    reply({ type: 'embedded', call, vector, tokens }, [vector.buffer as ArrayBuffer]);
  } catch (error) {
    reply(failure(call, error));
  }
}

async function embed(text: string): Promise<EmbeddedText> {
  session ??= await MiniLmSession.load(await locateWeights(modelDirectory));
  return session.embed(text);
}

function failure(call: number, error: unknown): EmbeddingReply {
  if (error instanceof ProviderError) {
    const { code, message, retryable } = error;
    return { type: 'failed', call, code, message, retryable };
  }
  const reason = error instanceof Error ? error.message : String(error);
  const message = `The local embedding model failed: ${reason}`;
  return { type: 'failed', call, code: 'unavailable', message, retryable: true };
}

function reply(message: EmbeddingReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
