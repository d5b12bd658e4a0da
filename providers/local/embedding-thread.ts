import { Worker } from 'node:worker_threads';

import { ProviderError } from '../provider-error.ts';
import type { EmbeddingCommand, EmbeddingPriority, EmbeddingReply, EmbeddingThreadData } from './embedding-messages.ts';
import type { EmbeddedText } from './minilm-session.ts';
import { NativeSection } from './native-section.ts';

// Loading takes half a second and a text a tenth: what takes longer is not worth waiting for.
const exitTimeoutMs = 5_000;

interface PendingCall {
  resolve(embedded: EmbeddedText): void;
  reject(error: unknown): void;
}

/**
 * A thread in which the local model computes, so that the caller's event loop never waits. It starts with the first
 * call and again after a crash, whose calls fail with a retryable ProviderError; it does not keep the process alive.
 */
export class EmbeddingThread {
  readonly #modelDirectory: string;
  readonly #calls = new Map<number, PendingCall>();
  #worker: Worker | null = null;
  #lastCall = 0;
  #closed = false;

  constructor(modelDirectory: string) {
    this.#modelDirectory = modelDirectory;
  }

  /** Whether it has loaded the model, or is loading it. */
  get isStarted(): boolean {
    return this.#worker !== null;
  }

  /** How many texts it has that are not answered yet. */
  get texts(): number {
    return this.#calls.size;
  }

  /** Embeds a text; throws ProviderError. */
  embed(text: string, priority: EmbeddingPriority): Promise<EmbeddedText> {
    if (this.#closed)
      return Promise.reject(unavailable('The local embedding model was closed: make a new one.', false));
    const call = ++this.#lastCall;
    return new Promise<EmbeddedText>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#start().ref();
      this.#send({ type: 'embed', call, text, priority });
    });
  }

  /** Fails the calls that still run and ends the thread once it has computed the text at hand. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#failAll(unavailable('The local embedding model was closed.', false));
    const worker = this.#worker;
    if (worker === null) return;
    worker.ref();
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    this.#send({ type: 'close' });
    this.#worker = null;
    await exited;
  }

  #start(): Worker {
    if (this.#worker !== null) return this.#worker;
    const section = new NativeSection();
    const workerData: EmbeddingThreadData = { modelDirectory: this.#modelDirectory, sectionBuffer: section.buffer };
    const worker = new Worker(new URL('./embedding-worker.ts', import.meta.url), { workerData });
    const finishText = (): void => section.stopAndWait(exitTimeoutMs);
    process.once('exit', finishText);
    worker.once('exit', () => process.removeListener('exit', finishText));
    worker.on('message', (reply: EmbeddingReply) => this.#receive(reply));
    worker.once('error', (error) => this.#lost(worker, error instanceof Error ? error.message : String(error)));
    worker.once('exit', (code) => this.#lost(worker, `exit code ${code}`));
    this.#worker = worker;
    return worker;
  }

  #send(command: EmbeddingCommand): void {
    this.#worker?.postMessage(command);
  }

  #receive(reply: EmbeddingReply): void {
    const call = this.#calls.get(reply.call);
    this.#calls.delete(reply.call);
    if (this.#calls.size === 0) this.#worker?.unref();
    if (reply.type === 'embedded') call?.resolve(reply);
    else call?.reject(new ProviderError(reply.code, reply.message, { retryable: reply.retryable }));
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#failAll(unavailable(`The thread of the local embedding model ended: ${reason}.`, true));
  }

  #failAll(error: ProviderError): void {
    for (const pending of this.#calls.values()) pending.reject(error);
    this.#calls.clear();
  }
}

function unavailable(message: string, retryable: boolean): ProviderError {
  return new ProviderError('unavailable', message, { retryable });
}
