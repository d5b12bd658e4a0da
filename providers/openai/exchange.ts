import http from 'node:http';
import https from 'node:https';
import { ProviderError } from '../provider-error.ts';

/** For how many milliseconds a provider may be silent: before the first byte of its answer's body, and behind it. */
export type Silences = { readonly firstByteTimeoutMs: number; readonly stallTimeoutMs: number };

/** What is sent. */
export type Sent = {
  method: string;
  headers: Record<string, string>;
  body: string | Uint8Array | undefined;
  signal: AbortSignal | null;
};

// What a slow reader has not taken yet; more is left with the sender.
const mostAhead = 1_000_000;
// An answer's body ends right behind its last event; one that does not is cut off.
const longestRestMs = 1000;
const longestRestBytes = 65_536;

/**
 * One HTTP request, whose answer is read as it comes: an iterable of the pieces of its body. A provider that sends no byte
 * of the body, or none behind it, for as long as `silences` say, ends it with a ProviderError `timeout`. Only waiting
 * counts: a slow reader is not the provider's silence. Leaving the iteration early closes the connection.
 */
export class Exchange implements AsyncIterableIterator<Uint8Array, undefined> {
  readonly #silences: Silences;
  readonly #signal: AbortSignal | null;
  readonly #request: http.ClientRequest;
  readonly #began = performance.now();
  readonly #pieces: Buffer[] = [];
  #bytesAhead = 0;
  /** How much came of a body that its reader has left; null while it is read. */
  #restBytes: number | null = null;
  #answer: http.IncomingMessage | null = null;
  #hasByte = false;
  #isOver = false;
  #fault: Error | null = null;
  #wake: (() => void) | null = null;

  constructor(url: URL, { method, headers, body, signal }: Sent, silences: Silences) {
    this.#silences = silences;
    this.#signal = signal;
    const { request } = url.protocol === 'https:' ? https : http;
    // The process's own agent keeps connections, and goes through the proxy that Node was told of.
    this.#request = request(url, { method, headers: { ...headers, 'accept-encoding': 'identity' } });
    this.#request.on('response', (answer) => this.#take(answer));
    this.#request.on('error', (error) => this.#broken(error));
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#request.end(body);
    if (signal?.aborted === true) this.#onAbort();
  }

  /** Resolves with the head of the answer. @throws what broke the connection, the reason of the signal. */
  async head(): Promise<http.IncomingMessage> {
    while (this.#answer === null) {
      if (this.#fault !== null) throw this.#fault;
      await this.#silence();
    }
    return this.#answer;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) {
        this.#bytesAhead -= piece.byteLength;
        if (this.#answer?.isPaused() === true && this.#bytesAhead < mostAhead) this.#answer.resume();
        return { done: false, value: piece };
      }
      if (this.#fault !== null) throw this.#fault;
      if (this.#isOver) return { done: true, value: undefined };
      await this.#silence();
    }
  }

  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#isOver && this.#restBytes === null) this.#cut();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Leaves the rest of the body, without closing the connection if it ends soon: it then serves the next request. */
  release(): void {
    if (this.#isOver) return;
    this.#restBytes = 0;
    this.#pieces.length = 0;
    const timer = setTimeout(() => this.#cut(), longestRestMs);
    this.#answer?.once('close', () => clearTimeout(timer)).resume();
  }

  #take(answer: http.IncomingMessage): void {
    this.#answer = answer;
    answer.on('data', (piece: Buffer) => {
      if (this.#restBytes !== null) return this.#skip(piece);
      this.#hasByte = true;
      this.#pieces.push(piece);
      this.#bytesAhead += piece.byteLength;
      if (this.#bytesAhead > mostAhead) answer.pause();
      this.#wakeUp();
    });
    answer.on('end', () => {
      this.#isOver = true;
      this.#signal?.removeEventListener('abort', this.#onAbort);
      this.#wakeUp();
    });
    answer.on('error', (error) => this.#broken(error));
    this.#wakeUp();
  }

  #skip({ byteLength }: Buffer): void {
    this.#restBytes = (this.#restBytes ?? 0) + byteLength;
    if (this.#restBytes > longestRestBytes) this.#cut();
  }

  readonly #onAbort = (): void => {
    const reason: unknown = this.#signal?.reason;
    this.#fail(reason instanceof Error ? reason : new Error('The request was aborted.', { cause: reason }));
  };

  #broken(cause: Error): void {
    this.#fail(new Error('The connection broke.', { cause }));
  }

  #cut(): void {
    this.#fail(new Error('The reader has left.'));
  }

  #fail(fault: Error): void {
    if (this.#isOver) return;
    this.#fault = fault;
    this.#isOver = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#request.destroy();
    this.#wakeUp();
  }

  #wakeUp(): void {
    this.#wake?.();
    this.#wake = null;
  }

  async #silence(): Promise<void> {
    const { firstByteTimeoutMs, stallTimeoutMs } = this.#silences;
    const longestMs = this.#hasByte ? stallTimeoutMs : firstByteTimeoutMs;
    // Headers are sent long before a model has thought: they are no sign of life.
    const leftMs = this.#hasByte ? longestMs : Math.max(1, longestMs - (performance.now() - this.#began));
    const timer = setTimeout(() => this.#fail(stallError(longestMs)), leftMs);
    await new Promise<void>((resolve) => (this.#wake = resolve));
    clearTimeout(timer);
  }
}

function stallError(stallMs: number): ProviderError {
  const message = `The provider sent nothing for ${stallMs} ms and was cut off (timeout): try again later.`;
  return new ProviderError('timeout', message, { retryable: true });
}
