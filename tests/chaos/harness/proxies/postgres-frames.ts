/** One message of PostgreSQL's wire protocol, with its header; `type` is its letter, empty for a start-up message. */
export type Frame = { type: string; bytes: Buffer };

// The start-up message alone has no letter (PostgreSQL's documentation, "Message Formats").
const lengthBytes = 4;

/** Cuts a stream of bytes into messages, however the network has cut it. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);
  #starting: boolean;

  /** `starting`: the first message is a client's start-up. */
  constructor({ starting }: { starting: boolean }) {
    this.#starting = starting;
  }

  /** The messages that are complete with these bytes. */
  *read(bytes: Buffer): Generator<Frame> {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (;;) {
      const head = this.#starting ? 0 : 1;
      if (this.#rest.length < head + lengthBytes) return;
      const size = head + this.#rest.readInt32BE(head);
      if (this.#rest.length < size) return;
      const frame = this.#rest.subarray(0, size);
      this.#rest = this.#rest.subarray(size);
      this.#starting = false;
      yield { type: head === 0 ? '' : String.fromCharCode(frame[0] ?? 0), bytes: frame };
    }
  }
}

/** The zero-ended text at `start` of a message, and where the next field begins. */
export function readText(bytes: Buffer, start: number): { text: string; next: number } {
  const end = bytes.indexOf(0, start);
  return { text: bytes.toString('utf8', start, end), next: end + 1 };
}
