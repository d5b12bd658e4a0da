import { workflowIds } from '../../../contracts/names/workflows.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { registerModel, serveSource, until } from './model-workspace.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { findWord } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

type Shown = { busy: boolean; indexes: Array<{ kind: string; valid: boolean; parameters: Record<string, number> }> };

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
    const order = { name: this.#word, model: this.#word, documents: 1, sentences: 20, marks: [] };
    const { documentIds } = await serveSource(this.#stack, order, this.#random);
    this.#documentId = documentIds[0]!;
    await until(async () => isSettled(await this.#show()), `the first index of ${this.#word}`);
  }

  async act(): Promise<void> {
    const settings = { kind: 'hnsw', metrics: ['cosine'], m: connections };
    await this.#stack.api.request('PUT', `/models/${this.#modelId}/vector-index`, settings);
  }

  async verify(): Promise<Findings> {
    const isReplaced = (shown: Shown) => isSettled(shown) && shown.indexes[0]?.parameters['m'] === connections;
    await until(async () => isReplaced(await this.#show()), `the new index of ${this.#word} alone`);
    const handle = this.#stack.temporal.workflow.getHandle(workflowIds.indexModel(this.#modelId));
    await until(async () => (await handle.describe()).status.name === 'COMPLETED', 'the workflow to end');
    const found = await findWord(this.#stack, this.#word, `${this.#word}d0`);
    return found.includes(this.#documentId) ? [] : [`Document ${this.#documentId} is not found`];
  }

  async work(): Promise<StoryWork> {
    return { documents: [], workflowIds: [workflowIds.indexModel(this.#modelId)] };
  }

  #show(): Promise<Shown> {
    return this.#stack.api.request<Shown>('GET', `/models/${this.#modelId}/vector-index`);
  }
}

function isSettled({ busy, indexes }: Shown): boolean {
  return !busy && indexes.length === 1 && indexes[0]!.valid;
}
