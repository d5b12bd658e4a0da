import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError } from './api-client.ts';
import { composeText } from './compose-text.ts';
import { providerWords } from './proxies/provider-proxy.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { findByPath, findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What may happen to a document. */
export const storyNames = ['ingest', 'large', 'replace', 'fail', 'delete', 'delete-underway'] as const;
export type StoryName = (typeof storyNames)[number];

type Seen = { status: string; error: { code: string } | null; latest: { generation: number; state: string } | null };
type Plan = { sentences: number; source: string; marks: string[] };

const plans: Record<StoryName, Plan> = {
  ingest: { sentences: 60, source: sagaNames.source, marks: [] },
  large: { sentences: 1300, source: sagaNames.fineSource, marks: [] },
  replace: { sentences: 60, source: sagaNames.source, marks: [] },
  fail: { sentences: 30, source: sagaNames.source, marks: [providerWords.refused] },
  delete: { sentences: 30, source: sagaNames.source, marks: [] },
  'delete-underway': { sentences: 60, source: sagaNames.source, marks: [providerWords.slow] },
};

/** One document and what a client does with it, from `prepare` over `act` to `verify`. */
export class SagaStory {
  readonly path: string;
  documentId = '';
  /** The generation that `act` brings about; 0 when it brings none. */
  generation: number;
  readonly #stack: ProxiedStack;
  readonly #name: StoryName;
  readonly #random: SeededRandom;
  readonly #first: string;
  readonly #second: string;

  constructor(stack: ProxiedStack, name: StoryName, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#name = name;
    this.#random = random;
    this.path = `chaos/${word}.md`;
    this.#first = `first${word}`;
    this.#second = `second${word}`;
    this.generation = { replace: 2, delete: 0 }[name as string] ?? 1;
  }

  /** Everything that comes before the part that is hit. */
  async prepare(): Promise<void> {
    if (this.#name === 'ingest' || this.#name === 'large' || this.#name === 'fail') return;
    await this.#send(this.#first);
    this.documentId = (await findByPath(this.#stack, this.path)) ?? '';
    if (this.#name !== 'delete-underway') await this.#ended(1);
  }

  /** The part that is hit; resolves when the client has its answer. */
  async act(): Promise<void> {
    if (this.#name === 'delete' || this.#name === 'delete-underway') return this.#delete();
    await this.#send(this.#name === 'replace' ? this.#second : this.#first);
    this.documentId = (await findByPath(this.#stack, this.path)) ?? '';
    return undefined;
  }

  /** Waits until the document is where its story ends, and says what is not as it must be. */
  async verify(): Promise<Findings> {
    const findings: Findings = [];
    const label = `${this.#name} of ${this.path} (${this.documentId})`;
    const expectFound = async (word: string, expected: boolean) => {
      const found = await findWord(this.#stack, plans[this.#name].source, word);
      if (found.length > 0 !== expected)
        findings.push(`${label}: ${word} is ${expected ? 'not found' : 'still found'}`);
    };
    if (this.generation > 0 && this.#name !== 'delete-underway') {
      const seen = await this.#ended(this.generation);
      const expected = this.#name === 'fail' ? 'failed' : 'ready';
      if (seen.status !== expected) findings.push(`${label} is ${seen.status} (${seen.error?.code ?? 'no code'})`);
      await expectFound(this.#name === 'replace' ? this.#second : this.#first, expected === 'ready');
    }
    if (this.#name !== 'ingest' && this.#name !== 'large') await expectFound(this.#first, false);
    return findings;
  }

  async #send(word: string): Promise<void> {
    const { sentences, source, marks } = plans[this.#name];
    await this.#stack.api.request(
      'POST',
      '/documents',
      {
        title: `Document ${word}`,
        path: this.path,
        knowledge_source: source,
        document_type: 'markdown',
        is_global: true,
        text: composeText(this.#random.fork(word), sentences, [word, ...marks]),
      },
      word,
    );
  }

  async #delete(): Promise<void> {
    try {
      await this.#stack.api.request('DELETE', `/documents/${this.documentId}`);
    } catch (error) {
      // The answer to the first attempt may be what the hit destroyed.
      if (!(error instanceof RefusedError) || !error.message.includes('404')) throw error;
    }
  }

  async #ended(generation: number): Promise<Seen> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const seen = await this.#stack.api.request<Seen>('GET', `/documents/${this.documentId}`);
      const { latest } = seen;
      if (latest && latest.generation >= generation && ['active', 'failed', 'abandoned'].includes(latest.state))
        return seen;
      if (Date.now() > deadline)
        throw new Error(
          `${this.path} is ${seen.status}, generation ${latest?.generation} ${latest?.state}, after 90 s`,
        );
      await sleep(50);
    }
  }
}
