import { parentPort, workerData } from 'node:worker_threads';

import { ProviderError } from '../provider-error.ts';
import type { EmbeddingCommand, EmbeddingReply, EmbeddingThreadData } from './embedding-messages.ts';
import { minilmLimits } from './minilm-limits.ts';
import { MiniLmSession } from './minilm-session.ts';
import type { EmbeddedText } from './minilm-session.ts';
import { NativeSection } from './native-section.ts';
import { locateWeights } from './weights.ts';

/** A call being worked on: its next text, and room for its vectors. */
interface Job {
  readonly call: number;
  readonly texts: readonly string[];
  readonly vectors: Float32Array;
  next: number;
  tokens: number;
}

if (parentPort === null) throw new Error('embedding-worker.ts runs in a worker thread only.');
const port = parentPort;
const { modelDirectory, sectionBuffer } = workerData as EmbeddingThreadData;
const section = new NativeSection(sectionBuffer);
const waiting: Record<'query' | 'batch', Job[]> = { query: [], batch: [] };
let session: MiniLmSession | null = null;
let working = false;
let closing = false;

port.on('message', (command: EmbeddingCommand) => {
  if (command.type === 'embed') {
    const { call, texts } = command;
    const vectors = new Float32Array(texts.length * minilmLimits.dimensions);
    waiting[command.priority].push({ call, texts, vectors, next: 0, tokens: 0 });
    void work();
  } else if (command.type === 'cancel') {
    for (const queue of Object.values(waiting)) {
      const index = queue.findIndex((job) => job.call === command.call);
      if (index >= 0) queue.splice(index, 1);
    }
  } else {
    closing = true;
    void work();
  }
});

/** Takes one text at a time, a query's first: so a query waits for no more than the text that is being computed. */
async function work(): Promise<void> {
  if (working) return;
  working = true;
  for (let job = nextJob(); job !== undefined; job = nextJob()) await advance(job);
  working = false;
  if (!closing) return;
  await session?.release();
  // Without its port, nothing keeps the thread alive.
  port.close();
}

function nextJob(): Job | undefined {
  if (closing) return undefined;
  return waiting.query[0] ?? waiting.batch[0];
}

async function advance(job: Job): Promise<void> {
  try {
    const text = job.texts[job.next];
    if (text !== undefined) {
      const { vector, tokens } = await section.run(() => embed(text));
      job.vectors.set(vector, job.next * minilmLimits.dimensions);
      job.next += 1;
      job.tokens += tokens;
    }
    if (job.next < job.texts.length) return;
    if (remove(job)) reply({ type: 'embedded', call: job.call, vectors: job.vectors, tokens: job.tokens });
  } catch (error) {
    if (remove(job)) reply(failure(job.call, error));
  }
}

async function embed(text: string): Promise<EmbeddedText> {
  session ??= await MiniLmSession.load(await locateWeights(modelDirectory));
  return session.embed(text);
}

/** Returns whether the job was still wanted: it may have been cancelled while its text was computed. */
function remove(job: Job): boolean {
  for (const queue of Object.values(waiting)) {
    const index = queue.indexOf(job);
    if (index < 0) continue;
    queue.splice(index, 1);
    return true;
  }
  return false;
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

function reply(message: EmbeddingReply): void {
  port.postMessage(message, message.type === 'embedded' ? [message.vectors.buffer as ArrayBuffer] : []);
}
