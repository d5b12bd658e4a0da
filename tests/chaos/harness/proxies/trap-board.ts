/** One message that passes a proxy of the harness: of SQL, to Temporal, to the model's provider, to the service of tools. */
export interface Sighting {
  /** Whose message it is, as `ProxiedStack` names its processes. */
  readonly process: string;
  readonly via: 'postgres' | 'temporal' | 'provider' | 'effect';
  /** The statement's text, the name of Temporal's call, or the path at the provider or the service. */
  readonly what: string;
  /** For `commit`: the statements of its transaction, in order. */
  readonly within: readonly string[];
  /** Whether the message, or one of its transaction, carries this text. */
  mentions(text: string): boolean;
}

/** Before the message reaches the server, or after the server has done and answered it, with the answer held back. */
export type Edge = 'before' | 'after';

/** What a trap waits for: the `nth` message that fits. */
export type TrapOrder = { edge: Edge; nth: number; fits(sighting: Sighting): boolean };

/** Holds one message at its edge until it is released. */
export class Trap {
  readonly order: TrapOrder;
  /** Resolves with the process whose message is held, once one is. */
  readonly reached: Promise<string>;
  readonly #release: () => void;
  readonly #released: Promise<void>;
  #reach!: (process: string) => void;
  #fitting = 0;
  #done = false;

  constructor(order: TrapOrder) {
    this.order = order;
    this.reached = new Promise((resolve) => (this.#reach = resolve));
    let release!: () => void;
    this.#released = new Promise((resolve) => (release = resolve));
    this.#release = release;
  }

  /** Whether this is the message to hold. Each fitting message may ask once. */
  takes(sighting: Sighting): boolean {
    if (this.#done || !this.order.fits(sighting)) return false;
    this.#fitting += 1;
    return this.#fitting === this.order.nth;
  }

  /** Waits as long as the message is to be held. */
  hold(sighting: Sighting): Promise<void> {
    this.#reach(sighting.process);
    return this.#released;
  }

  /** Lets go of what is held, and holds nothing from now on. */
  release(): void {
    this.#done = true;
    this.#release();
  }
}

/** When fitting messages arrived, in milliseconds since the epoch. */
export type Sightings = { readonly times: number[]; end(): void };

/** The traps that are set at present; every proxy shows it each message. */
export class TrapBoard {
  readonly #traps = new Set<Trap>();
  readonly #watches = new Set<(sighting: Sighting) => void>();

  /** Sets a trap; it stays until it is taken off. */
  set(order: TrapOrder): Trap {
    const trap = new Trap(order);
    this.#traps.add(trap);
    return trap;
  }

  /** Releases the trap and forgets it. */
  takeOff(trap: Trap): void {
    trap.release();
    this.#traps.delete(trap);
  }

  /** Notes from now on when a fitting message arrives, and holds none. */
  watch(fits: (sighting: Sighting) => boolean): Sightings {
    const times: number[] = [];
    const look = (sighting: Sighting) => {
      if (fits(sighting)) times.push(Date.now());
    };
    this.#watches.add(look);
    return { times, end: () => void this.#watches.delete(look) };
  }

  /** The traps that hold this message, by their edge. Asked once a message, when it arrives from the client. */
  meet(sighting: Sighting): { before: Trap | undefined; after: Trap | undefined } {
    for (const look of this.#watches) look(sighting);
    const taking = [...this.#traps].filter((trap) => trap.takes(sighting));
    return {
      before: taking.find(({ order }) => order.edge === 'before'),
      after: taking.find(({ order }) => order.edge === 'after'),
    };
  }
}
