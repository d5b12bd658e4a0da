import type { ApiDeps } from '../api-deps.ts';

/** A safety net under the notifications: a lost one costs at most this long. */
const pollMs = 2_000;
const longestPauseMs = 2_000;

/** What one round has found for a watcher; `hasMore` asks for another round once it has taken this in. */
export type Served<Watcher> = { watcher: Watcher; take(): Promise<void>; hasMore: boolean };

/**
 * Serves all watchers of a process in rounds, each with few statements for all that are due. Notifications are only hints:
 * every watcher is looked after at least every two seconds. One that still takes in what it was given is left out until it
 * has, so nothing is kept in memory for it.
 */
export class WatcherRounds<Watcher> {
  readonly #log: ApiDeps['log'];
  readonly #read: (ready: readonly Watcher[]) => Promise<Served<Watcher>[]>;
  readonly #watchers = new Set<Watcher>();
  readonly #dirty = new Set<Watcher>();
  readonly #busy = new Set<Watcher>();
  #pumping = false;
  #poll: NodeJS.Timeout | null = null;

  constructor({ log }: Pick<ApiDeps, 'log'>, read: (ready: readonly Watcher[]) => Promise<Served<Watcher>[]>) {
    this.#log = log;
    this.#read = read;
  }

  /** Begins to serve a watcher. */
  join(watcher: Watcher): void {
    this.#watchers.add(watcher);
    this.#poll ??= setInterval(() => this.wakeAll(), pollMs);
    this.wake([watcher]);
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    this.#dirty.delete(watcher);
    if (this.#watchers.size > 0 || this.#poll === null) return;
    clearInterval(this.#poll);
    this.#poll = null;
  }

  /** Says that there may be something for these. */
  wake(watchers: Iterable<Watcher>): void {
    for (const watcher of watchers) this.#dirty.add(watcher);
    void this.#pump();
  }

  wakeAll(): void {
    this.wake(this.#watchers);
  }

  // One round at a time: what is woken while a statement runs is read together by the next.
  async #pump(): Promise<void> {
    if (this.#pumping) return;
    this.#pumping = true;
    let pause = 50;
    // Notifications that have come together are heard one after the other.
    await new Promise((resolve) => setImmediate(resolve));
    for (let ready = this.#takeReady(); ready.length > 0; ready = this.#takeReady()) {
      try {
        for (const served of await this.#read(ready)) this.#give(served);
        pause = 50;
      } catch (error) {
        this.#log.warn({ err: error }, 'events cannot be read; trying again');
        for (const watcher of ready) if (this.#watchers.has(watcher)) this.#dirty.add(watcher);
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(pause * 2, longestPauseMs);
      }
    }
    this.#pumping = false;
  }

  #takeReady(): Watcher[] {
    const ready = [...this.#dirty].filter((watcher) => !this.#busy.has(watcher));
    for (const watcher of ready) this.#dirty.delete(watcher);
    return ready;
  }

  #give({ watcher, take, hasMore }: Served<Watcher>): void {
    if (!this.#watchers.has(watcher)) return;
    if (hasMore) this.#dirty.add(watcher);
    this.#busy.add(watcher);
    void take()
      .catch(() => this.leave(watcher))
      .finally(() => {
        this.#busy.delete(watcher);
        if (this.#dirty.has(watcher)) void this.#pump();
      });
  }
}
