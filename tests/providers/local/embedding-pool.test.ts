import { expect, test } from '@jest/globals';
import { EmbeddingPool } from '../../../providers/local/embedding-pool.ts';
import type { EmbeddedText } from '../../../providers/local/minilm-session.ts';
import { ProviderError } from '../../../providers/provider-error.ts';

/** A thread that answers when the test says so, with the number in the text as its vector. */
class StoppedThread {
  readonly taken: string[] = [];
  readonly #open: { text: string; resolve: (embedded: EmbeddedText) => void; reject: (error: Error) => void }[] = [];

  get isStarted(): boolean {
    return this.taken.length > 0;
  }

  get texts(): number {
    return this.#open.length;
  }

  embed(text: string): Promise<EmbeddedText> {
    this.taken.push(text);
    return new Promise((resolve, reject) => this.#open.push({ text, resolve, reject }));
  }

  answer(): void {
    const { text, resolve } = this.#open.shift()!;
    resolve({ vector: Float32Array.of(Number(text)), tokens: 1 });
  }

  fail(error: Error): void {
    this.#open.shift()!.reject(error);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const numbers = (count: number) => Array.from({ length: count }, (_, number) => String(number));

async function answerAll(...threads: StoppedThread[]): Promise<void> {
  while (threads.some((thread) => thread.texts > 0)) {
    for (const thread of threads) if (thread.texts > 0) thread.answer();
    await settle();
  }
}

test('the texts of one call are shared out among threads, two at hand each, and come back in their order', async () => {
  const [one, two] = [new StoppedThread(), new StoppedThread()];
  const embedded = new EmbeddingPool([one, two]).embed(numbers(40), 'batch');
  expect([one.texts, two.texts]).toEqual([2, 2]);
  two.answer();
  await settle();
  expect([one.texts, two.texts]).toEqual([2, 2]);
  expect([one.taken.length, two.taken.length]).toEqual([2, 3]);
  await answerAll(one, two);
  expect((await embedded).map(({ vector }) => vector[0])).toEqual(numbers(40).map(Number));
  expect([...one.taken, ...two.taken].toSorted()).toEqual(numbers(40).toSorted());
});

test('a second thread is left unloaded while few texts wait', async () => {
  const [one, two] = [new StoppedThread(), new StoppedThread()];
  const embedded = new EmbeddingPool([one, two]).embed(numbers(11), 'batch');
  await answerAll(one, two);
  await embedded;
  expect([one.taken.length, two.taken.length]).toEqual([11, 0]);
});

test('a query goes to the thread with fewer texts at once, before all that wait', async () => {
  const [one, two] = [new StoppedThread(), new StoppedThread()];
  const pool = new EmbeddingPool([one, two]);
  const batch = pool.embed(numbers(40), 'batch');
  two.answer();
  const query = pool.embed(['99'], 'query');
  expect(two.taken.at(-1)).toBe('99');
  await answerAll(one, two);
  expect((await query)[0]?.vector[0]).toBe(99);
  await batch;
});

test('what is cancelled or has failed takes no thread’s time any more', async () => {
  const thread = new StoppedThread();
  const pool = new EmbeddingPool([thread]);
  const controller = new AbortController();
  const cancelled = pool.embed(numbers(20), 'batch', controller.signal);
  controller.abort(new Error('stop'));
  await expect(cancelled).rejects.toThrow('stop');
  const whole = pool.embed(numbers(20), 'batch');
  await Promise.all([answerAll(thread), expect(whole).resolves.toHaveLength(20)]);
  expect(thread.taken).toHaveLength(2 + 20);

  const lost = pool.embed(numbers(20), 'batch');
  thread.fail(new ProviderError('unavailable', 'The thread ended.', { retryable: true }));
  await expect(lost).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await answerAll(thread);
  expect(thread.taken).toHaveLength(2 + 20 + 2);
  await expect(pool.embed(['1'], 'batch', AbortSignal.abort(new Error('late')))).rejects.toThrow('late');
});
