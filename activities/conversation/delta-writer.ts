import type { TurnEventToAppend } from '../../entities/conversations/turn-event-repository.ts';
import type { Attempt } from './begin-attempt.ts';
import { cancelRequested, fenced } from './turn-failure.ts';
import type { TurnEventAppender } from './turn-event-appender.ts';

// A reader cannot tell steps of about 30 ms from a continuous stream, and they spare a commit per token. All writers of a
// process keep to the same beat, so that what they have gathered shares a statement, a wake-up and a look of the readers.
const beatMs = 30;
// While the model is silent a cancel is seen after this long. Asking the row is far cheaper than a heartbeat, which
// Temporal writes to its own database.
const askEveryMs = 400;

/** What a model says to its reader, or to itself. */
export type DeltaKind = 'text_delta' | 'reasoning_delta';

/** Gathers the deltas of one step and appends them in order, one append at a time. */
export interface DeltaWriter {
  write(text: string, kind?: DeltaKind): void;
  /** Waits for the last append. @throws what stopped the writer: `fenced`, `cancelled`, or the database's error. */
  close(): Promise<void>;
}

/**
 * The first delta goes out at once, then about every 30 ms; while there is none the fence is asked all the same. A refused or
 * failed append aborts `stop`, and so the model call. `nextSeq` is the number of the first event.
 */
export function createDeltaWriter(
  appender: TurnEventAppender,
  attempt: Attempt,
  nextSeq: number,
  stop: AbortController,
  onFirstDelta: () => void,
): DeltaWriter {
  let buffer: Array<{ kind: DeltaKind; text: string }> = [];
  let seq = nextSeq;
  let told = false;
  let closed = false;
  let failure: { error: unknown } | null = null;
  let pump: Promise<void> | null = null;
  let endPause: (() => void) | null = null;

  async function append(): Promise<void> {
    const said = buffer;
    buffer = [];
    const { workspaceId, turnId, step } = attempt;
    const base = { workspaceId, turnId, attempt: attempt.attempt };
    const events: TurnEventToAppend[] =
      said.length === 0
        ? [{ ...base, seq, kind: null, data: {} }]
        : said.map(({ kind, text }, place) => ({ ...base, seq: seq + place, kind, data: { text, step } }));
    const verdict = await appender.append(events);
    if (!verdict.live) throw fenced();
    if (!told && said.some(({ kind }) => kind === 'text_delta')) {
      told = true;
      onFirstDelta();
    }
    seq += said.length;
    if (verdict.cancelRequested) throw cancelRequested();
  }

  function pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, untilBeat());
      endPause = () => {
        clearTimeout(timer);
        resolve();
      };
      if (closed) endPause();
    });
  }

  async function run(asks = false): Promise<void> {
    try {
      if (asks && buffer.length === 0) await append();
      while (buffer.length > 0) {
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
    write(text, kind = 'text_delta') {
      if (failure !== null) return;
      const last = buffer.at(-1);
      if (last?.kind === kind) last.text += text;
      else buffer.push({ kind, text });
      pump ??= run();
    },
    async close() {
      closed = true;
      clearInterval(asking);
      endPause?.();
      while (pump) await pump;
      if (failure !== null) throw failure.error;
      if (buffer.length > 0) await append();
    },
  };
}

/** Milliseconds to the next beat but one that is hardly off. */
function untilBeat(): number {
  const left = beatMs - (performance.now() % beatMs);
  return left < beatMs / 2 ? left + beatMs : left;
}
