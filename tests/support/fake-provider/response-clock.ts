import type { ServerResponse } from 'node:http';

/** Waits on behalf of a response, and no longer than its client stays: nothing is left running behind it. */
export class ResponseClock {
  #timer: NodeJS.Timeout | undefined;
  #wake: () => void = () => {};
  #left = false;

  constructor(response: ServerResponse) {
    response.once('close', () => {
      this.#left = true;
      clearTimeout(this.#timer);
      this.#wake();
    });
  }

  /** Resolves at a time of `performance.now()`, or when the client leaves. */
  async until(time: number): Promise<void> {
    const wait = time - performance.now();
    if (wait <= 0 || this.#left) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(resolve, wait);
    });
  }
}
