import { setTimeout as sleep } from 'node:timers/promises';
import { RefusedError } from './api-client.ts';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { composeText } from './compose-text.ts';
import { commitOf } from './message-patterns.ts';
import { providerWords } from './proxies/provider-proxy.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { countKept, countStored, findByPath, findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What may happen to a document. */
export const storyNames = [
  'ingest',
  'leisurely',
  'large',
  'replace',
  'fail',
  'delete',
  'delete-underway',
  'cancel',
  'retry',
] as const;
export type StoryName = (typeof storyNames)[number];

/** Stories whose document is not there yet when the part that is hit begins. */
const fresh: readonly StoryName[] = ['ingest', 'leisurely', 'large', 'fail'];

type Seen = {
  status: string;
  error: { code: string } | null;
  latest: { generation: number; state: string } | null;
};
type Plan = { sentences: number; source: string; marks: string[] };

const plans: Record<StoryName, Plan> = {
  ingest: { sentences: 60, source: sagaNames.source, marks: [] },
  // Of so many calls that its successor is still at work when a worker wakes up.
  leisurely: { sentences: 60, source: sagaNames.source, marks: [providerWords.slow] },
  large: { sentences: 1300, source: sagaNames.fineSource, marks: [] },
  replace: { sentences: 60, source: sagaNames.source, marks: [] },
  fail: { sentences: 30, source: sagaNames.source, marks: [providerWords.refused] },
  delete: { sentences: 30, source: sagaNames.source, marks: [] },
  cancel: { sentences: 60, source: sagaNames.source, marks: [providerWords.stuck] },
  retry: { sentences: 36, source: sagaNames.source, marks: [providerWords.slow] },
  'delete-underway': { sentences: 60, source: sagaNames.source, marks: [providerWords.stuck] },
};

const accepts = commitOf('api', /insert into document_generations/);

/** One document and what a client does with it. */
export class SagaStory implements PointStory {
  readonly opening: PointStory['opening'];
  readonly #path: string;
  #documentId = '';
  /** The generation that `act` brings about; 0 when it brings none. */
  readonly #generation: number;
  #knownChunks = 0;
  readonly #stack: ProxiedStack;
  readonly #word: string;
  readonly #name: StoryName;
  readonly #random: SeededRandom;
  readonly #first: string;
  readonly #second: string;

  constructor(stack: ProxiedStack, name: StoryName, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#name = name;
    this.#random = random;
    this.#word = word;
    this.#path = `chaos/${word}.md`;
    this.#first = `first${word}`;
    this.#second = `second${word}`;
    this.#generation = { replace: 2, retry: 2, delete: 0 }[name as string] ?? 1;
    // The id must be known before the first message that carries it, and it alone, is sent.
    this.opening = fresh.includes(name)
      ? { is: (sighting) => accepts(sighting) && sighting.mentions(word), learn: () => this.#learnId() }
      : null;
  }

  owns(sighting: Sighting): boolean {
    return sighting.mentions(this.#word) || (this.#documentId !== '' && sighting.mentions(this.#documentId));
  }

  async work(): Promise<StoryWork> {
    const [documentId, generation] = [this.#documentId, this.#generation];
    if (documentId === '' || generation === 0) return { documents: [], workflowIds: [] };
    return {
      documents: [{ documentId, generation, knownChunks: this.#knownChunks }],
      workflowIds: [workflowIds.ingestDocument(documentId, generation)],
    };
  }

  async prepare(): Promise<void> {
    if (fresh.includes(this.#name)) return;
    await this.#send(this.#first);
    await this.#learnId();
    if (this.#name === 'replace' || this.#name === 'delete') await this.#until(hasEnded(1));
    if (this.#name !== 'retry') return;
    // Of a small document progress is told at its end; what is stored of it is worth keeping before.
    while ((await countStored(this.#stack, this.#documentId)) === 0) await sleep(20);
    await this.#post('cancel');
    await this.#until(hasEnded(1));
    this.#knownChunks = await countKept(this.#stack, this.#documentId);
  }

  async act(): Promise<void> {
    if (this.#name === 'delete' || this.#name === 'delete-underway') return this.#delete();
    if (this.#name === 'cancel' || this.#name === 'retry') return this.#post(this.#name);
    await this.#send(this.#name === 'replace' ? this.#second : this.#first);
    await this.#learnId();
    return undefined;
  }

  async verify(): Promise<Findings> {
    const findings: Findings = [];
    const label = `${this.#name} of ${this.#path} (${this.#documentId})`;
    const expectFound = async (word: string, expected: boolean) => {
      const found = await findWord(this.#stack, plans[this.#name].source, word);
      if (found.length > 0 !== expected)
        findings.push(`${label}: ${word} is ${expected ? 'not found' : 'still found'}`);
    };
    if (this.#name !== 'delete' && this.#name !== 'delete-underway') {
      const seen = await this.#until(hasEnded(this.#generation));
      const expected = { fail: 'failed', cancel: 'cancelled' }[this.#name as string] ?? 'ready';
      if (seen.status !== expected) findings.push(`${label} is ${seen.status} (${seen.error?.code ?? 'no code'})`);
      await expectFound(this.#name === 'replace' ? this.#second : this.#first, expected === 'ready');
    } else await expectFound(this.#first, false);
    if (this.#name === 'replace') await expectFound(this.#first, false);
    return findings;
  }

  async #learnId(): Promise<void> {
    this.#documentId = (await findByPath(this.#stack, this.#path)) ?? '';
  }

  async #send(word: string): Promise<void> {
    const { sentences, source, marks } = plans[this.#name];
    await this.#stack.api.request(
      'POST',
      '/documents',
      {
        title: `Document ${word}`,
        path: this.#path,
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
      await this.#stack.api.request('DELETE', `/documents/${this.#documentId}`);
    } catch (error) {
      // The answer to the first attempt may be what the hit destroyed.
      if (!(error instanceof RefusedError) || !error.message.includes('404')) throw error;
    }
  }

  /** Harmless when it is repeated after an answer that was lost. */
  async #post(what: 'cancel' | 'retry'): Promise<void> {
    await this.#stack.api.request('POST', `/documents/${this.#documentId}/${what}`, {}, `${what} ${this.#path}`);
  }

  async #until(reached: (seen: Seen) => boolean): Promise<Seen> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const seen = await this.#stack.api.request<Seen>('GET', `/documents/${this.#documentId}`);
      if (reached(seen)) return seen;
      const { status, latest } = seen;
      if (Date.now() > deadline)
        throw new Error(`${this.#path} is ${status}, generation ${latest?.generation} ${latest?.state}, after 90 s`);
      await sleep(50);
    }
  }
}

const hasEnded =
  (generation: number) =>
  ({ latest }: Seen): boolean =>
    latest !== null && latest.generation >= generation && ['active', 'failed', 'abandoned'].includes(latest.state);
