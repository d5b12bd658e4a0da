import { once } from 'node:events';
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import type { BareModelThreadData } from './bare-model-thread.ts';

/** The bare local model on all cores: a thread each, which take one text after another and do nothing else. */
export class BareModel {
  readonly #next = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #threads: readonly Worker[];

  constructor(weights: string) {
    const workerData: BareModelThreadData = { weights, next: this.#next };
    const thread = new URL('./bare-model-thread.ts', import.meta.url);
    this.#threads = Array.from({ length: os.availableParallelism() }, () => new Worker(thread, { workerData }));
  }

  /** Embeds the texts and returns the seconds that it took. */
  async embed(texts: readonly string[]): Promise<number> {
    Atomics.store(new Int32Array(this.#next), 0, 0);
    const started = performance.now();
    await Promise.all(
      this.#threads.map((thread) => {
        const done = once(thread, 'message');
        thread.postMessage(texts, []);
        return done;
      }),
    );
    return (performance.now() - started) / 1000;
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all(
      this.#threads.map((thread) => {
        const exited = once(thread, 'exit');
        thread.postMessage(null, []);
        return exited;
      }),
    );
  }
}
