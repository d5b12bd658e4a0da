import { workflowIds } from '../../../contracts/names/workflows.ts';
import { RefusedError } from './api-client.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { commitOf } from './message-patterns.ts';
import { registerModel, serveSource, until } from './model-workspace.ts';
import { movedModel, providerWords } from './proxies/provider-proxy.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { queryPastHits } from './query-past-hits.ts';
import type { Findings } from './round-context.ts';
import { findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/** How a move ends: by its switch, or by a cancel. */
export type MoveStoryName = 'move' | 'cancelled';

const former = { name: 'chaos-former', dimensions: 48 };
const next = { name: 'chaos-next', dimensions: Number(movedModel.split('=')[1]) };
const documents = 3;
const requests = commitOf('api', /insert into embedding_moves/);

type Counts = { model: string; vectors: number };

/** A source whose tool searches by one embedding model and is moved to another; the workspace's oldest has vectors too. */
export class MoveStory implements PointStory {
  readonly opening: PointStory['opening'];
  readonly #stack: ProxiedStack;
  readonly #name: MoveStoryName;
  readonly #word: string;
  readonly #random: SeededRandom;
  #sourceId = '';
  #toolId = '';
  #moveId = '';
  #documentIds: string[] = [];

  constructor(stack: ProxiedStack, name: MoveStoryName, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#name = name;
    this.#word = `m${word}`;
    this.#random = random;
    this.opening = {
      is: (sighting) => requests(sighting) && sighting.mentions(this.#sourceId),
      learn: () => this.#learnId(),
    };
  }

  owns(sighting: Sighting): boolean {
    return [this.#sourceId, this.#moveId, this.#word].some((text) => text !== '' && sighting.mentions(text));
  }

  async prepare(): Promise<void> {
    for (const { name, dimensions } of [former, next]) await registerModel(this.#stack, name, dimensions);
    // The last one keeps the move from its end, so that a cancel that is held up still meets it.
    const marksOf = (n: number) =>
      this.#name === 'cancelled' && n === documents - 1 ? [providerWords.stuckWhenMoved] : [];
    const order = { name: this.#word, model: former.name, documents, sentences: 24, marksOf };
    const made = await serveSource(this.#stack, order, this.#random);
    [this.#sourceId, this.#toolId, this.#documentIds] = [made.sourceId, made.toolId, made.documentIds];
  }

  async act(): Promise<void> {
    await this.#request();
    if (this.#name !== 'cancelled') return;
    await this.#learnId();
    // There is something to be cleared then.
    await until(
      async () => (await this.#countVectors()).some(({ model }) => model === next.name),
      'vectors of the move',
    );
    const address = `/knowledge-sources/${this.#sourceId}/embedding-model/cancel`;
    try {
      await this.#stack.api.request('POST', address, {}, `stop-${this.#word}`);
    } catch (error) {
      // The answer to the first attempt may be what the hit destroyed; the move has stopped by now.
      if (!(error instanceof RefusedError) || !error.message.includes(': 409 ')) throw error;
    }
  }

  async verify(): Promise<Findings> {
    await this.#learnId();
    await until(async () => (await this.#move()).isCleared, `the move ${this.#moveId} to be over and cleared`);
    const { state } = await this.#move();
    const findings: Findings = [];
    const [wanted, model] = this.#name === 'move' ? ['completed', next.name] : ['cancelled', former.name];
    if (state !== wanted) findings.push(`The move is ${state}`);
    const tool = await this.#stack.api.request<{ embedding_model: string }>('GET', `/rag-tools/${this.#toolId}`);
    if (tool.embedding_model !== model) findings.push(`The tool searches by ${tool.embedding_model}`);
    const { chunks, counts } = await this.#count();
    for (const name of [sagaNames.model, former.name, next.name]) {
      const vectors = counts.find((count) => count.model === name)?.vectors ?? 0;
      const expected = name === model || name === sagaNames.model ? chunks : 0;
      if (vectors !== expected) findings.push(`${name} has ${vectors} vectors for ${chunks} chunks, not ${expected}`);
    }
    for (const [n, id] of this.#documentIds.entries())
      if (!(await findWord(this.#stack, this.#word, `${this.#word}d${n}`)).includes(id))
        findings.push(`Document ${id} is not found`);
    return findings;
  }

  async work(): Promise<StoryWork> {
    return {
      documents: this.#documentIds.map((documentId) => ({ documentId, generation: 1, knownChunks: 0 })),
      workflowIds: [workflowIds.moveEmbeddings(this.#moveId)],
    };
  }

  async #request(): Promise<void> {
    await this.#stack.api.request(
      'POST',
      `/knowledge-sources/${this.#sourceId}/embedding-model`,
      { embedding_model: next.name },
      `move-${this.#word}`,
    );
  }

  async #learnId(): Promise<void> {
    const rows = await this.#query<{ id: string }>(
      `select id from embedding_moves where knowledge_source_id = $1 order by created_at desc limit 1`,
      [this.#sourceId],
    );
    this.#moveId = rows[0]?.id ?? '';
  }

  async #move(): Promise<{ state: string; isCleared: boolean }> {
    const [row] = await this.#query<{ state: string; isCleared: boolean }>(
      `select state, is_cleared and state in ('completed', 'failed', 'cancelled') as "isCleared"
       from embedding_moves where id = $1`,
      [this.#moveId],
    );
    return row!;
  }

  async #count(): Promise<{ chunks: number; counts: Counts[] }> {
    const [row] = await this.#query<{ chunks: number }>(
      `select count(*)::integer as chunks from document_chunks where document_id = any($1::uuid[])`,
      [this.#documentIds],
    );
    return { chunks: row!.chunks, counts: await this.#countVectors() };
  }

  #countVectors(): Promise<Counts[]> {
    return this.#query<Counts>(
      `select m.name as model, count(*)::integer as vectors from chunk_embeddings e join models m on m.id = e.model_id
       where e.document_id = any($1::uuid[]) group by m.name`,
      [this.#documentIds],
    );
  }

  #query<T>(text: string, parameters: readonly unknown[]): Promise<T[]> {
    return queryPastHits<T>(this.#stack, text, parameters);
  }
}
