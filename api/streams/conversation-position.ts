import { PerdureError } from '../../contracts/errors.ts';

/** How far a turn was sent: up to an event of it, or to its end. */
type Sent = number | 'end';

/** For which a header of a request has room beside all others. */
const longestId = 8_000;
/** Turns that were cancelled behind one that goes on; an id that names more was made up. */
const mostBehind = 100_000;

/**
 * Where a watcher of a conversation stands, as the id of an event says it: `<complete>.<announced>` and, for each turn
 * behind `complete` of which something was sent, `.<number>-<event>`, or `.<first>_<last>` for a row of such that have ended.
 * Turns mostly end in the order of their numbers, so that an id is short; but those that wait in the queue may be cancelled
 * before the one ahead of them ends.
 */
export class ConversationPosition {
  /** All turns up to this number were sent to their end. */
  #complete: number;
  /** All turns up to this number were announced. */
  #announced: number;
  readonly #sent: Map<number, Sent>;

  constructor(complete = 0, announced = complete, sent: Iterable<[number, Sent]> = []) {
    this.#complete = complete;
    this.#announced = announced;
    this.#sent = new Map(sent);
    this.#advance();
  }

  /** Reads the id of an event. @throws PerdureError `bad_request` when it is none. */
  static parse(id: string): ConversationPosition {
    const [, complete, announced, rest] = /^(\d{1,9})\.(\d{1,9})((?:\.\d{1,9}(?:-\d{1,15}|_\d{1,9}))*)$/.exec(id) ?? [];
    if (complete === undefined || announced === undefined || id.length > longestId) throw noPosition();
    const sent = (rest ?? '').split('.').slice(1);
    const position = new ConversationPosition(Number(complete), Number(announced));
    for (const part of sent) position.#read(part);
    position.#advance();
    return position;
  }

  /** Before the first turn of these that has not ended; `last` is the number of the last turn of all. */
  static now({ last, open }: { last: number; open: readonly number[] }): ConversationPosition {
    const first = open[0] ?? last + 1;
    const behind = Array.from({ length: last - first + 1 }, (_, index) => first + index);
    const ended = behind.filter((number) => !open.includes(number));
    return new ConversationPosition(
      first - 1,
      first - 1,
      ended.map((number) => [number, 'end']),
    );
  }

  get complete(): number {
    return this.#complete;
  }

  get id(): string {
    const parts: string[] = [`${this.#complete}`, `${this.#announced}`];
    let first = 0;
    for (const [number, upTo] of [...this.#sent].toSorted(([a], [b]) => a - b)) {
      if (upTo !== 'end') parts.push(`${number}-${upTo}`);
      else {
        if (this.#sent.get(number - 1) !== 'end') first = number;
        if (this.#sent.get(number + 1) !== 'end') parts.push(`${first}_${number}`);
      }
    }
    return parts.join('.');
  }

  sentOf(number: number): Sent {
    return number <= this.#complete ? 'end' : (this.#sent.get(number) ?? 0);
  }

  /** Whether the turn is new; it is known from now on. */
  announce(number: number): boolean {
    if (number <= this.#announced) return false;
    this.#announced = number;
    return true;
  }

  /** Notes that a turn was sent up to an event, or to its end. */
  send(number: number, upTo: Sent): void {
    if (number <= this.#complete) return;
    this.#sent.set(number, upTo);
    this.#advance();
  }

  #advance(): void {
    while (this.#sent.get(this.#complete + 1) === 'end') {
      this.#complete += 1;
      this.#sent.delete(this.#complete);
    }
  }

  #read(part: string): void {
    const [, number, separator, upTo] = /^(\d+)([-_])(\d+)$/.exec(part)!;
    if (separator === '-') this.#sent.set(Number(number), Number(upTo));
    else if (this.#sent.size + Number(upTo) - Number(number) > mostBehind) throw noPosition();
    else for (let ended = Number(number); ended <= Number(upTo); ended += 1) this.#sent.set(ended, 'end');
  }
}

function noPosition(): PerdureError {
  return new PerdureError('bad_request', 'Last-Event-ID must be the id of an event of this conversation.');
}
