import { workflowIds } from '../../../contracts/names/workflows.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { registerModel, serveSource, until } from './model-workspace.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { findWord } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

type Shown = { busy: boolean; indexes: Array<{ kind: string; valid: boolean; parameters: Record<string, number> }> };

// Two rows would be compared one by one otherwise.
const wanted = { kind: 'hnsw', metrics: ['cosine'], min_rows: 0 };
const connections = 8;

/** A model of its own whose index is replaced by one with other parameters while a document is served by it. */
export class IndexStory implements PointStory {
  readonly opening = null;
  readonly #stack: ProxiedStack;
  readonly #word: string;
  readonly #random: SeededRandom;
  #modelId = '';
  #documentId = '';

  constructor(stack: ProxiedStack, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#word = `x${word}`;
    this.#random = random;
  }

  owns({ what, mentions }: Sighting): boolean {
    // The names of a model's indexes are made of its id.
    return this.#modelId !== '' && (mentions(this.#modelId) || what.includes(this.#modelId.replaceAll('-', '')));
  }

  async prepare(): Promise<void> {
    this.#modelId = await registerModel(this.#stack, this.#word, 8);
    const order = { name: this.#word, model: this.#word, documents: 1, sentences: 20 };
    const { documentIds } = await serveSource(this.#stack, order, this.#random);
    this.#documentId = documentIds[0]!;
    await this.#choose(2 * connections);
    await until(async () => this.#hasIndex(2 * connections), `the first index of ${this.#word}`);
    await this.#untilEnded();
  }

  async act(): Promise<void> {
    await this.#choose(connections);
  }

  async verify(): Promise<Findings> {
    await until(async () => this.#hasIndex(connections), `the new index of ${this.#word} alone`);
    await this.#untilEnded();
    const found = await findWord(this.#stack, this.#word, `${this.#word}d0`);
    return found.includes(this.#documentId) ? [] : [`Document ${this.#documentId} is not found`];
  }

  async work(): Promise<StoryWork> {
    return { documents: [], workflowIds: [workflowIds.indexModel(this.#modelId)] };
  }

  async #untilEnded(): Promise<void> {
    const handle = this.#stack.temporal.workflow.getHandle(workflowIds.indexModel(this.#modelId));
    await until(async () => (await handle.describe()).status.name === 'COMPLETED', 'the workflow to end');
  }

  async #choose(m: number): Promise<void> {
    await this.#stack.api.request('PUT', `/models/${this.#modelId}/vector-index`, { ...wanted, m });
  }

  /** Whether the model has this index and no other, and nobody is at work on it. */
  async #hasIndex(m: number): Promise<boolean> {
    const shown = await this.#stack.api.request<Shown>('GET', `/models/${this.#modelId}/vector-index`);
    const [index, ...others] = shown.indexes;
    return !shown.busy && others.length === 0 && index?.valid === true && index.parameters['m'] === m;
  }
}
