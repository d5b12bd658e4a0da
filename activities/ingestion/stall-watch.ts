// Often enough to tell a frozen process from one that computes.
const lookEveryMs = 250;
// Temporal waits ten seconds for news, and has had some within most of them; a busy machine alone seldom takes so long.
const stallMs = 4000;

/**
 * Knows when its process last stood still for four seconds or more: frozen, on a machine that was suspended, or busy with
 * one thing. Whatever waited for it meanwhile may have been given up and handed to another.
 */
export class StallWatch {
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #lastLook = 0;
  #lastStall = Number.NEGATIVE_INFINITY;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Begins to look, unless it does; no process is kept alive by it. */
  begin(): void {
    if (this.#timer !== undefined) return;
    this.#lastLook = this.#now();
    this.#timer = setInterval(() => this.#look(), lookEveryMs).unref();
  }

  /** Whether a stall has ended since the moment (milliseconds since the epoch), be it just now. */
  stoodStillSince(moment: number): boolean {
    // What a process does first when it wakes up may well come before its timers.
    this.#look();
    return this.#lastStall > moment;
  }

  #look(): void {
    const now = this.#now();
    if (now - this.#lastLook >= stallMs) this.#lastStall = now;
    this.#lastLook = now;
  }
}
