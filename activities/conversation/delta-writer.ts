import type { Attempt } from './begin-attempt.ts';
import { cancelRequested, fenced } from './turn-failure.ts';
import type { TurnEventAppender } from './turn-event-appender.ts';

// A reader cannot tell 30 ms steps from a continuous stream, and it spares a commit per token.
const flushEveryMs = 30;

/** Gathers text deltas of one attempt and appends them in order, one append at a time. */
export interface DeltaWriter {
  write(text: string): void;
  /** Waits for the last append. @throws what stopped the writer: `fenced`, `cancelled`, or the database's error. */
  close(): Promise<void>;
}

/** The first delta goes out at once, then every 30 ms. A refused or failed append aborts `stop`, and so the model call. */
export function createDeltaWriter(
  appender: TurnEventAppender,
  attempt: Attempt,
  stop: AbortController,
  onFirstDelta: () => void,
): DeltaWriter {
  let buffer = '';
  let seq = attempt.nextSeq;
  let closed = false;
  let failure: { error: unknown } | null = null;
  let pump: Promise<void> | null = null;
  let endPause: (() => void) | null = null;

  async function append(): Promise<void> {
    const text = buffer;
    buffer = '';
    const verdict = await appender.append([
      {
        workspaceId: attempt.workspaceId,
        turnId: attempt.turnId,
        attempt: attempt.attempt,
        seq,
        kind: 'text_delta',
        data: { text },
      },
    ]);
    if (!verdict.live) throw fenced();
    if (seq === attempt.nextSeq) onFirstDelta();
    seq += 1;
    if (verdict.cancelRequested) throw cancelRequested();
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, flushEveryMs);
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (closed) endPause();
    });
  }

  async function run(): Promise<void> {
    try {
      while (buffer !== '') {
        await append();
        if (!closed) await pause();
      }
    } catch (error) {
      failure = { error };
      stop.abort(error);
    } finally {
      pump = null;
    }
  }

  return {
    write(text) {
      if (failure !== null) return;
      buffer += text;
      pump ??= run();
    },
    async close() {
      closed = true;
      endPause?.();
      while (pump) await pump;
      if (failure !== null) throw failure.error;
      if (buffer !== '') await append();
    },
  };
}
