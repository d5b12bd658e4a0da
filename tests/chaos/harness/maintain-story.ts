import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { registerModel, serveSource, until } from './model-workspace.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { findWord } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

type Shown = { busy: boolean; indexes: Array<{ name: string; valid: boolean }> };

// A few rows would be compared one by one otherwise.
const wanted = { kind: 'hnsw', metrics: ['cosine'], min_rows: 0 };

/** A model of its own most of whose rows are dead, and whose index is therefore built anew while a document is served by it. */
export class MaintainStory implements PointStory {
  readonly opening = null;
  readonly #stack: ProxiedStack;
  readonly #word: string;
  readonly #random: SeededRandom;
  #modelId = '';
  #documentId = '';
  #index = { name: '', oid: 0 };

  constructor(stack: ProxiedStack, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#word = `h${word}`;
    this.#random = random;
  }

  owns({ what, mentions }: Sighting): boolean {
    // The names of a model's indexes are made of its id.
    const inNames = this.#modelId.replaceAll('-', '');
    return this.#modelId !== '' && (mentions(this.#modelId) || mentions(inNames) || what.includes(inNames));
  }

  async prepare(): Promise<void> {
    this.#modelId = await registerModel(this.#stack, this.#word, 8);
    const order = { name: this.#word, model: this.#word, documents: 1, sentences: 20 };
    const { documentIds } = await serveSource(this.#stack, order, this.#random);
    this.#documentId = documentIds[0]!;
    await this.#stack.api.request('PUT', `/models/${this.#modelId}/vector-index`, wanted);
    await until(async () => (await this.#indexes()).length === 1, `the first index of ${this.#word}`);
    this.#index = (await this.#stored())[0]!;
    await this.#killRows();
  }

  async act(): Promise<void> {
    await this.#stack.api.request('POST', `/models/${this.#modelId}/vector-index/maintain`);
  }

  async verify(): Promise<Findings> {
    const handle = this.#stack.temporal.workflow.getHandle(workflowIds.maintainIndex(this.#modelId));
    await until(async () => (await handle.describe()).status.name !== 'RUNNING', `the maintenance of ${this.#word}`);
    const { name } = (await handle.describe()).status;
    const findings = name === 'COMPLETED' ? [] : [`The maintenance of ${this.#modelId} ended as ${name}`];
    const left = await this.#stored();
    if (left.length !== 1 || left[0]!.name !== this.#index.name)
      findings.push(`The indexes of ${this.#modelId} are ${JSON.stringify(left)}`);
    else if (left[0]!.oid === this.#index.oid && (await this.#isDue()))
      findings.push(`The index ${this.#index.name} was not built anew: ${JSON.stringify(await this.#report())}`);
    const found = await findWord(this.#stack, this.#word, `${this.#word}d0`);
    if (!found.includes(this.#documentId)) findings.push(`Document ${this.#documentId} is not found`);
    return findings;
  }

  async work(): Promise<StoryWork> {
    return { documents: [], workflowIds: [workflowIds.maintainIndex(this.#modelId)] };
  }

  /**
   * Changes each row in a column that is indexed: what it was before is dead, and no reader clears it away in passing, as
   * with other columns when a page is nearly full. They are too few for autovacuum.
   */
  async #killRows(): Promise<void> {
    const { database } = this.#stack;
    const partition = `chunk_embeddings_${this.#modelId.replaceAll('-', '')}`;
    await database.asOperator(async (em) => {
      await query(em, `update "${partition}" set content_hash = sha256(coalesce(content_hash, ''))`);
      await query(em, 'select pg_stat_force_next_flush()');
    });
    await until(async () => (await this.#deadRows()) > 0, `dead rows of ${this.#word}`);
  }

  /**
   * Whether the index had to be built anew: the report says so, or rows are dead. PostgreSQL forgets which are when it is
   * killed, and has then nothing to show for it.
   */
  async #isDue(): Promise<boolean> {
    const report = await this.#report();
    return report?.decided !== 'nothing' || (await this.#deadRows()) > 0;
  }

  async #report(): Promise<{ decided: string; reason: string; did: unknown } | undefined> {
    const [report] = await this.#stack.database.asOperator((em) =>
      query<{ decided: string; reason: string; did: unknown }>(
        em,
        `select decided, reason, did from maintenance_reports where workflow_id = $1 and subject = $2
         order by started_at desc limit 1`,
        [workflowIds.maintainIndex(this.#modelId), this.#index.name],
      ),
    );
    return report;
  }

  async #deadRows(): Promise<number> {
    const [row] = await this.#stack.database.asOperator((em) =>
      query<{ dead: number }>(em, `select pg_stat_get_dead_tuples(to_regclass($1))::int as dead`, [
        `chunk_embeddings_${this.#modelId.replaceAll('-', '')}`,
      ]),
    );
    return row!.dead;
  }

  /** Those that serve, once nobody is at work on them. */
  async #indexes(): Promise<Shown['indexes']> {
    const shown = await this.#stack.api.request<Shown>('GET', `/models/${this.#modelId}/vector-index`);
    return shown.busy ? [] : shown.indexes.filter(({ valid }) => valid);
  }

  /** All of them, valid or not. */
  async #stored(): Promise<{ name: string; oid: number }[]> {
    return this.#stack.database.asOperator((em) =>
      query<{ name: string; oid: number }>(
        em,
        `select c.relname as name, c.oid::int8::float8 as oid from pg_index i join pg_class c on c.oid = i.indexrelid
         join pg_am a on a.oid = c.relam where i.indrelid = to_regclass($1) and a.amname = 'hnsw'`,
        [`chunk_embeddings_${this.#modelId.replaceAll('-', '')}`],
      ),
    );
  }
}
