import { setImmediate } from 'node:timers/promises';

/** Runs work that yields, and lets heartbeats and other steps of this process have their turn at each yield. */
export async function inTurns<T>(work: Generator<void, T>, signal: AbortSignal): Promise<T> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await setImmediate();
    signal.throwIfAborted();
  }
}
