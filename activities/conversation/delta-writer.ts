import type { Attempt } from './begin-attempt.ts';
import { cancelRequested, fenced } from './turn-failure.ts';
import type { TurnEventAppender } from './turn-event-appender.ts';

// A reader cannot tell 30 ms steps from a continuous stream, and it spares a commit per token.
const flushEveryMs = 30;
// While the model is silent a cancel is seen after this long. Asking the row is far cheaper than a heartbeat, which
// Temporal writes to its own database.
const askEveryMs = 400;

/** Gathers text deltas of one attempt and appends them in order, one append at a time. */
export interface DeltaWriter {
  write(text: string): void;
  /** Waits for the last append. @throws what stopped the writer: `fenced`, `cancelled`, or the database's error. */
  close(): Promise<void>;
}

/**
 * The first delta goes out at once, then every 30 ms; while there is none the fence is asked all the same. A refused or
 * failed append aborts `stop`, and so the model call.
 */
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
    const { workspaceId, turnId } = attempt;
    const said = text === '' ? { kind: null, data: {} } : { kind: 'text_delta' as const, data: { text } };
    const verdict = await appender.append([{ workspaceId, turnId, attempt: attempt.attempt, seq, ...said }]);
    if (!verdict.live) throw fenced();
    if (text !== '' && seq === attempt.nextSeq) onFirstDelta();
    if (text !== '') seq += 1;
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

  async function run(asks = false): Promise<void> {
    try {
      if (asks && buffer === '') await append();
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

  const asking = setInterval(() => {
    if (failure === null && !closed) pump ??= run(true);
  }, askEveryMs);

  return {
    write(text) {
      if (failure !== null) return;
      buffer += text;
      pump ??= run();
    },
    async close() {
      closed = true;
      clearInterval(asking);
      endPause?.();
      while (pump) await pump;
      if (failure !== null) throw failure.error;
      if (buffer !== '') await append();
    },
  };
}
