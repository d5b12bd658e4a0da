import type { AppendVerdict, TurnEventToAppend } from '../../entities/conversations/turn-event-repository.ts';

/** What an appender needs: one statement for many events, and a wake-up for watchers after its commit. */
export type TurnEventSink = {
  append(events: readonly TurnEventToAppend[]): Promise<AppendVerdict[]>;
  wake(turnIds: readonly string[]): void;
};

type Pending = { events: TurnEventToAppend[]; settle: Array<(verdict: AppendVerdict | Error) => void> };

/** Collects the events of all turns that run in this process, so that they share statements and commits. */
export interface TurnEventAppender {
  /** Resolves with the fence's verdict once the events are committed; an event is visible to watchers only then. */
  append(events: readonly TurnEventToAppend[]): Promise<AppendVerdict>;
  /** Has watchers look at a turn whose begin was committed: within 40 ms, or together with its first events. */
  tellSoon(turnId: string): void;
}

// A model that has spoken by then is quick enough for its reader.
const soonMs = 40;

/**
 * Appends whatever has gathered while the last statement ran: an event that finds no statement under way goes out at
 * once (the first token), and under load the statements grow instead of queueing.
 */
export function createTurnEventAppender(sink: TurnEventSink): TurnEventAppender {
  let pending = new Map<string, Pending>();
  const told = new Map<string, NodeJS.Timeout>();
  let running = false;

  function wake(turnIds: readonly string[]): void {
    for (const turnId of turnIds) {
      clearTimeout(told.get(turnId));
      told.delete(turnId);
    }
    sink.wake(turnIds);
  }

  async function flush(): Promise<void> {
    while (pending.size > 0) {
      const batch = pending;
      pending = new Map();
      try {
        const verdicts = await sink.append([...batch.values()].flatMap((entry) => entry.events));
        const byTurn = new Map(verdicts.map((verdict) => [verdict.turnId, verdict]));
        for (const [turnId, entry] of batch) {
          // A turn without a row was deleted with its user or workspace: nobody owns this attempt any more.
          const verdict = byTurn.get(turnId) ?? { turnId, live: false, cancelRequested: false };
          for (const settle of entry.settle) settle(verdict);
        }
        const written = [...batch].filter(([, entry]) => entry.events.some((event) => event.kind !== null));
        if (written.length > 0) wake(written.map(([turnId]) => turnId));
      } catch (error) {
        const failure = error instanceof Error ? error : new Error(String(error));
        for (const entry of batch.values()) for (const settle of entry.settle) settle(failure);
      }
    }
    running = false;
  }

  return {
    tellSoon(turnId) {
      if (!told.has(turnId))
        told.set(
          turnId,
          setTimeout(() => wake([turnId]), soonMs),
        );
    },
    append(events) {
      return new Promise((resolve, reject) => {
        for (const event of events) {
          const entry = pending.get(event.turnId) ?? { events: [], settle: [] };
          entry.events.push(event);
          pending.set(event.turnId, entry);
        }
        const turnId = events[0]?.turnId;
        const entry = turnId === undefined ? undefined : pending.get(turnId);
        if (!entry) return reject(new Error('append() needs at least one event'));
        entry.settle.push((outcome) => (outcome instanceof Error ? reject(outcome) : resolve(outcome)));
        if (!running) {
          running = true;
          setImmediate(() => void flush());
        }
      });
    },
  };
}
