import { turnsChannel } from '../../contracts/names/limits.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import type { TurnEventRow } from '../../entities/conversations/turn-event-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { WatcherRounds, type Served } from './watcher-rounds.ts';

/** Events of one turn that are read at once for one watcher; more follow when it has taken these in. */
const batchSize = 100;

/** Somebody who follows a turn: `take` gets committed events in order and resolves when the client has room for more. */
export type TurnWatcher = {
  workspaceId: string;
  turnId: string;
  /** Sequence number of the last event that was taken. */
  after: number;
  take(events: TurnEventRow[]): Promise<void>;
};

/** Serves all who follow turns in a process from one LISTEN connection and one statement a round. Rows are the truth. */
export class TurnFeed {
  readonly #deps: Pick<ApiDeps, 'database' | 'log'>;
  readonly #byTurn = new Map<string, Set<TurnWatcher>>();
  readonly #rounds: WatcherRounds<TurnWatcher>;

  constructor(deps: Pick<ApiDeps, 'database' | 'log' | 'notifications'>) {
    this.#deps = deps;
    this.#rounds = new WatcherRounds(deps, (ready) => this.#read(ready));
    deps.notifications.subscribe(turnsChannel, (turnId) => {
      if (turnId === null) this.#rounds.wakeAll();
      else this.#rounds.wake(this.#byTurn.get(turnId) ?? []);
    });
  }

  /** Begins to serve a watcher from its position; returns what ends that. */
  watch(watcher: TurnWatcher): () => void {
    const others = this.#byTurn.get(watcher.turnId) ?? new Set();
    this.#byTurn.set(watcher.turnId, others.add(watcher));
    this.#rounds.join(watcher);
    return () => {
      others.delete(watcher);
      if (others.size === 0 && this.#byTurn.get(watcher.turnId) === others) this.#byTurn.delete(watcher.turnId);
      this.#rounds.leave(watcher);
    };
  }

  async #read(ready: readonly TurnWatcher[]): Promise<Served<TurnWatcher>[]> {
    const rows = await this.#deps.database.readAsOperator((em) => readTurnEvents(em, ready, batchSize));
    return [...Map.groupBy(rows, (row) => row.cursor)].map(([cursor, batch]) => {
      const watcher = ready[cursor]!;
      const events = batch.map((row) => row.event);
      watcher.after = events.at(-1)!.seq;
      return { watcher, take: () => watcher.take(events), hasMore: events.length === batchSize };
    });
  }
}
