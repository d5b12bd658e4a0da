/** Waits that end early when somebody calls `wake` or the stream closes; a wake between two waits is not lost. */
export type WakeUp = {
  wake(): void;
  /** Resolves at the next `wake` (at once if one came since the last wait), at the close, or after the time. */
  wait(milliseconds: number): Promise<void>;
  /** Resolves after the time or at the close; a `wake` meanwhile is kept for the next `wait`. */
  pause(milliseconds: number): Promise<void>;
};

/** Makes the wake-up of one stream; `closed` ends every wait. */
export function createWakeUp(closed: AbortSignal): WakeUp {
  let pending = false;
  let resolveWait: (() => void) | null = null;
  const sleep = (milliseconds: number, wakes: boolean): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        closed.removeEventListener('abort', done);
        resolveWait = null;
        resolve();
      };
      const timer = setTimeout(done, milliseconds);
      closed.addEventListener('abort', done);
      if (wakes) resolveWait = done;
      if (closed.aborted) done();
    });
  return {
    wake() {
      if (resolveWait) resolveWait();
      else pending = true;
    },
    async wait(milliseconds) {
      if (!pending) await sleep(milliseconds, true);
      pending = false;
    },
    pause: (milliseconds) => sleep(milliseconds, false),
  };
}
