import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { RefusedError } from './api-client.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { composeText } from './compose-text.ts';
import { commitOf } from './message-patterns.ts';
import { providerWords } from './proxies/provider-proxy.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { queryPastHits } from './query-past-hits.ts';
import type { Findings } from './round-context.ts';
import { findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/**
 * What a batch of small documents may meet: nothing, one among them that the provider refuses and one that is too large
 * to be ingested beside others, or people who cancel one and delete another while the rest goes on.
 */
export type BatchStoryName = 'batch' | 'batch-mixed' | 'batch-interrupted';

type Row = { id: string; path: string; jobId: string; workflowId: string; generation: number };
type Seen = { status: string; latest: { state: string } | null };

// More than the product publishes at once, so that its steps are there several times.
const documents = 12;
// So few that one call of the model has all texts of a document: more are ingested by themselves.
const sentences = 4;
const patienceMs = 90_000;
const [poisoned, large] = [3, 7];
const [cancelled, deleted] = [2, 5];

const accepts = commitOf('api', /insert into document_generations/);

/** Small documents that are sent together, and so are ingested by one workflow. */
export class BatchStory implements PointStory {
  readonly opening: PointStory['opening'];
  readonly #stack: ProxiedStack;
  readonly #name: BatchStoryName;
  readonly #word: string;
  readonly #random: SeededRandom;
  readonly #workflowIds = new Set<string>();
  #rows: Row[] = [];

  constructor(stack: ProxiedStack, name: BatchStoryName, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#name = name;
    this.#word = `b${word}`;
    this.#random = random;
    this.opening = {
      is: (sighting) => accepts(sighting) && sighting.mentions(this.#word),
      learn: () => this.#learnIds(),
    };
  }

  owns(sighting: Sighting): boolean {
    const ids = this.#rows.flatMap(({ id, jobId }) => [id, jobId]);
    return [this.#word, ...ids].some((text) => sighting.mentions(text));
  }

  async prepare(): Promise<void> {}

  async act(): Promise<void> {
    await this.#send();
    await this.#learnIds();
    if (this.#name !== 'batch-interrupted') return;
    const cancel = `/documents/${this.#idOf(cancelled)}/cancel`;
    await Promise.all([
      this.#stack.api.request('POST', cancel, {}, `stop-${this.#word}`).catch(ignore('409')),
      this.#stack.api.request('DELETE', `/documents/${this.#idOf(deleted)}`).catch(ignore('404')),
    ]);
  }

  async verify(): Promise<Findings> {
    await this.#learnIds();
    const findings: Findings = [];
    if (this.#rows.length !== documents) findings.push(`${this.#rows.length} of ${documents} documents were accepted`);
    for (let n = 0; n < documents; n += 1) {
      const expected = this.#endOf(n);
      const status = expected === 'deleted' ? expected : (await this.#ended(n)).status;
      // A cancel may come too late.
      const isLate = expected === 'cancelled' && status === 'ready';
      if (status !== expected && !isLate) findings.push(`Document ${n} is ${status}, not ${expected}`);
      const isFound = (await findWord(this.#stack, sagaNames.source, this.#wordOf(n))).length > 0;
      if (isFound !== (status === 'ready')) findings.push(`Document ${n} is ${status}, and found: ${isFound}`);
    }
    return findings;
  }

  async work(): Promise<StoryWork> {
    const left = this.#rows.filter(({ path }) => this.#endOf(numberOf(path)) !== 'deleted');
    return {
      documents: left.map(({ id, generation }) => ({ documentId: id, generation, knownChunks: 0 })),
      workflowIds: [...this.#workflowIds],
    };
  }

  #endOf(n: number): 'ready' | 'failed' | 'cancelled' | 'deleted' {
    if (this.#name === 'batch-mixed' && n === poisoned) return 'failed';
    if (this.#name !== 'batch-interrupted') return 'ready';
    if (n === cancelled) return 'cancelled';
    return n === deleted ? 'deleted' : 'ready';
  }

  async #send(): Promise<void> {
    const given = Array.from({ length: documents }, (_, n) => {
      const isLarge = this.#name === 'batch-mixed' && n === large;
      const marks = [this.#wordOf(n)];
      if (this.#name === 'batch-mixed' && n === poisoned) marks.push(providerWords.refused);
      if (this.#name === 'batch-interrupted') marks.push(providerWords.slow);
      return {
        title: `Document ${this.#wordOf(n)}`,
        path: this.#pathOf(n),
        document_type: 'markdown',
        is_global: true,
        text: composeText(this.#random.fork(`document ${n}`), isLarge ? 300 : sentences, marks),
      };
    });
    const body = { knowledge_source: sagaNames.source, documents: given };
    await this.#stack.api.request('POST', '/documents/batch', body, this.#word);
  }

  async #learnIds(): Promise<void> {
    this.#rows = await queryPastHits<Row>(
      this.#stack,
      `select d.id, d.source_path as path, g.job_id as "jobId", g.workflow_id as "workflowId", g.generation
         from documents d join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
         where d.source_path like $1 order by d.source_path`,
      [`chaos/${this.#word}/%`],
    );
    // A document that is left by its batch names the workflow of its own from then on.
    for (const { id, generation, workflowId } of this.#rows)
      for (const one of [workflowId, workflowIds.ingestDocument(id, generation)]) this.#workflowIds.add(one);
  }

  async #ended(n: number): Promise<Seen> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const seen = await this.#stack.api.request<Seen>('GET', `/documents/${this.#idOf(n)}`);
      if (['active', 'failed', 'abandoned'].includes(seen.latest?.state ?? '')) return seen;
      if (Date.now() > deadline)
        throw new Error(`Document ${n} is ${seen.status}, its generation ${seen.latest?.state}, after 90 s`);
      await sleep(50);
    }
  }

  #pathOf(n: number): string {
    return `chaos/${this.#word}/${String(n).padStart(2, '0')}.md`;
  }

  #wordOf(n: number): string {
    return `${this.#word}d${n}e`;
  }

  #idOf(n: number): string {
    const row = this.#rows.find(({ path }) => path === this.#pathOf(n));
    if (row === undefined) throw new Error(`Document ${n} of ${this.#word} was not accepted`);
    return row.id;
  }
}

function numberOf(path: string): number {
  return Number(path.slice(path.lastIndexOf('/') + 1, -'.md'.length));
}

/** The answer to the first attempt may be what the hit destroyed. */
function ignore(status: string): (error: unknown) => void {
  return (error) => {
    if (!(error instanceof RefusedError) || !error.message.includes(`: ${status} `)) throw error;
  };
}
