import type { EmbeddingPriority } from './embedding-messages.ts';
import type { EmbeddingThread } from './embedding-thread.ts';
import type { EmbeddedText } from './minilm-session.ts';

// One is computed and one waits, so that a thread never waits for the event loop to hand it the next.
const textsAtHand = 2;
// Loading the model once more takes as long as so many texts: fewer are left to the threads that have it.
const textsWorthLoading = 10;

type Thread = Pick<EmbeddingThread, 'isStarted' | 'texts' | 'embed' | 'close'>;

/** A text of a batch that no thread has taken. */
interface WaitingText {
  readonly text: string;
  readonly call: { isOver: boolean };
  resolve(embedded: Promise<EmbeddedText>): void;
}

/** Threads that compute embeddings side by side: the texts of each call are shared out among them, one at a time. */
export class EmbeddingPool {
  readonly #threads: readonly Thread[];
  readonly #waiting: WaitingText[] = [];

  /** Each thread but the first starts when many texts wait. */
  constructor(threads: readonly Thread[]) {
    this.#threads = threads;
  }

  /** Embeds texts, in their order; throws ProviderError, or the signal's reason at once. */
  embed(texts: readonly string[], priority: EmbeddingPriority, signal?: AbortSignal): Promise<readonly EmbeddedText[]> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const call = { isOver: false };
      const cancelled = (): void => {
        call.isOver = true;
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', cancelled, { once: true });
      const embedded = texts.map((text) => (priority === 'query' ? this.#ask(text) : this.#enqueue(text, call)));
      void Promise.all(embedded)
        .then(resolve, reject)
        .finally(() => {
          call.isOver = true;
          signal?.removeEventListener('abort', cancelled);
        });
    });
  }

  /** Fails the calls that still run and ends the threads once they have computed the texts at hand. */
  async close(): Promise<void> {
    const closed = this.#threads.map((thread) => thread.close());
    // Closed threads refuse at once what still waits.
    this.#handOut();
    await Promise.all(closed);
  }

  /** A query waits for no text of a batch but the one that its thread is computing. */
  #ask(text: string): Promise<EmbeddedText> {
    const idlest = this.#idlest();
    const thread = idlest !== undefined && idlest.texts < textsWorthLoading ? idlest : (this.#unstarted() ?? idlest);
    return thread!.embed(text, 'query');
  }

  #enqueue(text: string, call: { isOver: boolean }): Promise<EmbeddedText> {
    return new Promise((resolve) => {
      this.#waiting.push({ text, call, resolve });
      this.#handOut();
    });
  }

  #handOut(): void {
    for (let thread = this.#free(); thread !== undefined; thread = this.#free()) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      if (next.call.isOver) continue;
      const embedded = thread.embed(next.text, 'batch');
      next.resolve(embedded);
      const failed = (): void => {
        next.call.isOver = true;
      };
      void embedded.then(undefined, failed).then(() => this.#handOut());
    }
  }

  #free(): Thread | undefined {
    const idlest = this.#idlest();
    if (idlest !== undefined && idlest.texts < textsAtHand) return idlest;
    return idlest === undefined || this.#waiting.length >= textsWorthLoading ? this.#unstarted() : undefined;
  }

  #unstarted(): Thread | undefined {
    return this.#threads.find((thread) => !thread.isStarted);
  }

  #idlest(): Thread | undefined {
    const started = this.#threads.filter((thread) => thread.isStarted);
    return started.toSorted((one, other) => one.texts - other.texts)[0];
  }
}
