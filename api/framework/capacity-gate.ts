import { PerdureError } from '../../contracts/errors.ts';

/** Lets `limit` pieces of work run at once and `waiting` more wait in order; refuses the rest with `over_capacity`. */
export class CapacityGate {
  readonly #limit: number;
  readonly #waiting: number;
  readonly #waitMs: number;
  readonly #queue: Array<() => void> = [];
  #running = 0;

  constructor(options: { limit: number; waiting: number; waitMs: number }) {
    this.#limit = options.limit;
    this.#waiting = options.waiting;
    this.#waitMs = options.waitMs;
  }

  /** Runs `work` when it is its turn. @throws PerdureError `over_capacity` when the queue is full or the wait too long. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#limit) await this.#waitForTurn();
    else this.#running += 1;
    try {
      return await work();
    } finally {
      // The place is handed over without being given up, so nobody can slip in between.
      const next = this.#queue.shift();
      if (next) next();
      else this.#running -= 1;
    }
  }

  async #waitForTurn(): Promise<void> {
    if (this.#queue.length >= this.#waiting) throw overCapacity();
    await new Promise<void>((resolve, reject) => {
      const admit = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#queue.splice(this.#queue.indexOf(admit), 1);
        reject(overCapacity());
      }, this.#waitMs);
      this.#queue.push(admit);
    });
  }
}

/** Counts a resource that is taken and given back, such as open streams or bytes in memory. */
export class CapacityBudget {
  readonly #limit: number;
  #used = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes `amount` and returns what gives it back, once. @throws PerdureError `over_capacity` when not enough is left. */
  take(amount: number): () => void {
    if (this.#used + amount > this.#limit) throw overCapacity();
    this.#used += amount;
    let held = amount;
    return () => {
      this.#used -= held;
      held = 0;
    };
  }
}

function overCapacity(): PerdureError {
  return new PerdureError('over_capacity', 'This replica has too much to do. Try again after the time in Retry-After.');
}
