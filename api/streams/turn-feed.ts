import { turnsChannel } from '../../contracts/names/limits.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import type { ApiDeps } from '../api-deps.ts';

/** Events of one turn that are read at once for one watcher; more follow when it has taken these in. */
const batchSize = 100;
/** A safety net under the notifications: a lost one costs at most this long. */
const pollMs = 2_000;
const longestPauseMs = 2_000;

/** Somebody who follows a turn: `take` gets committed events in order and resolves when the client has room for more. */
export type TurnWatcher = {
  workspaceId: string;
  turnId: string;
  /** Sequence number of the last event that was taken. */
  after: number;
  take(events: TurnEventRow[]): Promise<void>;
};

/**
 * Serves all watchers of a process from one LISTEN connection and one statement a round. Rows are the truth and
 * notifications only hints: every watcher is looked after at least every two seconds, and at once after a reconnection.
 * A watcher whose client is slow is left out until it has room, so no event is ever kept in memory for it.
 */
export class TurnFeed {
  readonly #deps: Pick<ApiDeps, 'database' | 'log'>;
  readonly #watchers = new Set<TurnWatcher>();
  readonly #byTurn = new Map<string, Set<TurnWatcher>>();
  readonly #dirty = new Set<TurnWatcher>();
  readonly #busy = new Set<TurnWatcher>();
  #pumping = false;
  #poll: NodeJS.Timeout | null = null;

  constructor(deps: Pick<ApiDeps, 'database' | 'log' | 'notifications'>) {
    this.#deps = deps;
    deps.notifications.subscribe(turnsChannel, (turnId) => this.#wake(turnId));
  }

  /** Begins to serve a watcher from its position; returns what ends that. */
  watch(watcher: TurnWatcher): () => void {
    const others = this.#byTurn.get(watcher.turnId) ?? new Set();
    this.#byTurn.set(watcher.turnId, others.add(watcher));
    this.#watchers.add(watcher);
    this.#dirty.add(watcher);
    this.#poll ??= setInterval(() => this.#wake(null), pollMs);
    void this.#pump();
    return () => this.#leave(watcher);
  }

  #leave(watcher: TurnWatcher): void {
    this.#watchers.delete(watcher);
    this.#dirty.delete(watcher);
    const others = this.#byTurn.get(watcher.turnId);
    others?.delete(watcher);
    if (others?.size === 0) this.#byTurn.delete(watcher.turnId);
    if (this.#watchers.size > 0 || this.#poll === null) return;
    clearInterval(this.#poll);
    this.#poll = null;
  }

  #wake(turnId: string | null): void {
    for (const watcher of turnId === null ? this.#watchers : (this.#byTurn.get(turnId) ?? [])) this.#dirty.add(watcher);
    void this.#pump();
  }

  // One round at a time: what is woken while a statement runs is read together by the next.
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    let pause = 50;
    for (let ready = this.#takeReady(); ready.length > 0; ready = this.#takeReady()) {
      try {
        await this.#serve(ready);
        pause = 50;
      } catch (error) {
        this.#deps.log.warn({ err: error }, 'turn events cannot be read; trying again');
        for (const watcher of ready) if (this.#watchers.has(watcher)) this.#dirty.add(watcher);
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, longestPauseMs);
      }
    }
    this.#pumping = false;
  }

  #takeReady(): TurnWatcher[] {
    const ready = [...this.#dirty].filter((watcher) => !this.#busy.has(watcher));
    for (const watcher of ready) this.#dirty.delete(watcher);
    return ready;
  }

  async #serve(ready: readonly TurnWatcher[]): Promise<void> {
    const rows = await this.#deps.database.readAsOperator((em) => readTurnEvents(em, ready, batchSize));
    const batches = Map.groupBy(rows, (row) => row.cursor);
    for (const [cursor, batch] of batches) {
      const watcher = ready[cursor]!;
      const events = batch.map((row) => row.event);
      watcher.after = events.at(-1)!.seq;
      if (events.length === batchSize) this.#dirty.add(watcher);
      this.#busy.add(watcher);
      void watcher
        .take(events)
        .catch(() => this.#leave(watcher))
        .finally(() => {
          this.#busy.delete(watcher);
          if (this.#dirty.has(watcher)) void this.#pump();
        });
    }
  }
}
