const busy = 0;
const stopped = 1;

/**
 * A section of native code in another thread that must not be torn down from within: ending a process or a thread while
 * onnxruntime computes aborts the whole process (SIGABRT, seen with 1.30). Shared by its buffer.
 */
export class NativeSection {
  readonly buffer: SharedArrayBuffer;
  readonly #flags: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#flags = new Int32Array(buffer);
  }

  /** Runs native work; throws without running it once the section was stopped. */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    // First busy, then the check: the other side first stops, then looks whether we are busy. So one of us sees it.
    Atomics.store(this.#flags, busy, 1);
    try {
      if (Atomics.load(this.#flags, stopped) === 1) throw new Error('The process is ending.');
      return await work();
    } finally {
      Atomics.store(this.#flags, busy, 0);
      Atomics.notify(this.#flags, busy);
    }
  }

  /** Lets no more work begin and blocks this thread until what runs is done, at most `timeoutMs` milliseconds. */
  stopAndWait(timeoutMs: number): void {
    Atomics.store(this.#flags, stopped, 1);
    Atomics.wait(this.#flags, busy, 1, timeoutMs);
  }
}
