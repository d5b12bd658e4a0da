import { turnsChannel } from '../../contracts/names/limits.ts';
import {
  findConversationsOfTurns,
  readNewTurns,
  type AcceptedTurn,
} from '../../entities/conversations/turn-window-repository.ts';
import type { ApiDeps } from '../api-deps.ts';
import { WatcherRounds, type Served } from './watcher-rounds.ts';

/** Turns of one conversation that are read at once for one watcher. */
const batchSize = 50;
/** Of turns whose conversation was looked up; those of all others need no second look. */
const mostRemembered = 10_000;

/** Somebody who watches a conversation: `take` gets its turns in their order, null once it was deleted. */
export type ConversationWatcher = {
  workspaceId: string;
  conversationId: string;
  /** Number of the last turn that was taken. */
  after: number;
  take(turns: ReadonlyArray<AcceptedTurn | null>): Promise<void>;
};

/** Tells all who watch conversations in a process of new turns, with one statement a round. */
export class ConversationFeed {
  readonly #deps: Pick<ApiDeps, 'database'>;
  readonly #byConversation = new Map<string, Set<ConversationWatcher>>();
  readonly #rounds: WatcherRounds<ConversationWatcher>;
  readonly #known = new Set<string>();
  #heard = new Set<string>();
  #isLooking = false;

  constructor(deps: Pick<ApiDeps, 'database' | 'log' | 'notifications'>) {
    this.#deps = deps;
    this.#rounds = new WatcherRounds(deps, (ready) => this.#read(ready));
    deps.notifications.subscribe(turnsChannel, (turnId) => void this.#hear(turnId));
  }

  /** Begins to serve a watcher from its position; returns what ends that. */
  watch(watcher: ConversationWatcher): () => void {
    const others = this.#byConversation.get(watcher.conversationId) ?? new Set();
    this.#byConversation.set(watcher.conversationId, others.add(watcher));
    this.#rounds.join(watcher);
    return () => {
      others.delete(watcher);
      const isLast = others.size === 0 && this.#byConversation.get(watcher.conversationId) === others;
      if (isLast) this.#byConversation.delete(watcher.conversationId);
      this.#rounds.leave(watcher);
    };
  }

  // A notification names a turn alone: whose it is, is looked up once, for all that came meanwhile together.
  async #hear(turnId: string | null): Promise<void> {
    if (this.#byConversation.size === 0) return;
    if (turnId === null) return this.#rounds.wakeAll();
    if (this.#known.has(turnId)) return;
    this.#heard.add(turnId);
    if (this.#isLooking) return;
    this.#isLooking = true;
    while (this.#heard.size > 0) {
      const heard = [...this.#heard];
      this.#heard = new Set();
      try {
        const found = await this.#deps.database.readAsOperator((em) => findConversationsOfTurns(em, heard));
        if (this.#known.size > mostRemembered) this.#known.clear();
        for (const id of heard) this.#known.add(id);
        for (const conversationId of found) this.#rounds.wake(this.#byConversation.get(conversationId) ?? []);
      } catch {
        // The next look of the safety net finds what this one would have told.
        break;
      }
    }
    this.#isLooking = false;
  }

  async #read(ready: readonly ConversationWatcher[]): Promise<Served<ConversationWatcher>[]> {
    const rows = await this.#deps.database.readAsOperator((em) => readNewTurns(em, ready, batchSize));
    return [...Map.groupBy(rows, (row) => row.cursor)].map(([cursor, batch]) => {
      const watcher = ready[cursor]!;
      const turns = batch.map((row) => row.turn);
      watcher.after = turns.at(-1)?.number ?? watcher.after;
      return { watcher, take: () => watcher.take(turns), hasMore: turns.length === batchSize };
    });
  }
}
