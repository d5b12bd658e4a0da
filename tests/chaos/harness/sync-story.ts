import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { RefusedError } from './api-client.ts';
import type { PointStory, StoryWork } from './chaos-point.ts';
import { composeText } from './compose-text.ts';
import { providerWords } from './proxies/provider-proxy.ts';
import type { Sighting } from './proxies/trap-board.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { queryPastHits } from './query-past-hits.ts';
import type { Findings } from './round-context.ts';
import { findWord, sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

/** What a sync may meet: a folder that was never read, one that has changed since, or a cancel. */
export type SyncStoryName = 'new' | 'changed' | 'cancelled';

type Shown = {
  documents: { total: number; ready: number; in_work: number; failed: number };
  sync: { id: string; state: string; removed: number; failed: number; error: { code: string } | null } | null;
};
type Row = {
  id: string;
  path: string;
  status: string;
  generation: number;
  workflowId: string;
  chunks: number;
  isDeleted: boolean;
};

const files = 5;
// More than one step of a sync hands over.
const newFiles = 10;
const sentences = 20;
// Few, so that other stories find a worker: each holds one until the cancel comes.
const toCancel = { files: 2, sentences: 80 };

/** One folder that is a source, and the syncs that bring it up to date. */
export class SyncStory implements PointStory {
  readonly opening = null;
  readonly #stack: ProxiedStack;
  readonly #name: SyncStoryName;
  readonly #word: string;
  readonly #random: SeededRandom;
  readonly #folder: string;
  #sourceId = '';
  #knownIds: string[] = [];
  #syncs = 0;

  constructor(stack: ProxiedStack, name: SyncStoryName, word: string, random: SeededRandom) {
    this.#stack = stack;
    this.#name = name;
    this.#word = `s${word}`;
    this.#random = random;
    this.#folder = path.join(stack.sourceFolder, this.#word);
  }

  owns({ via, mentions }: Sighting): boolean {
    if (this.#sourceId !== '' && mentions(this.#sourceId)) return true;
    // What publishes a document does not name its source.
    return via === 'postgres' && this.#knownIds.some((id) => mentions(id));
  }

  async prepare(): Promise<void> {
    const { api } = this.#stack;
    await mkdir(this.#folder);
    const count = this.#name === 'cancelled' ? toCancel.files : this.#name === 'new' ? newFiles : files;
    for (let n = 0; n < count; n += 1) await this.#write(n, 'first');
    const { id } = await api.request<{ id: string }>(
      'POST',
      '/knowledge-sources',
      { name: this.#word, type: 'file', configuration: { path: this.#folder } },
      `source-${this.#word}`,
    );
    await api.request(
      'POST',
      '/rag-tools',
      {
        name: this.#word,
        knowledge_source: this.#word,
        embedding_model: sagaNames.model,
        chunk_size: 40,
        chunk_overlap: 0,
      },
      `tool-${this.#word}`,
    );
    this.#sourceId = id;
    if (this.#name === 'changed') {
      await this.#sync();
      await this.#ended();
      this.#knownIds = (await this.#rows()).map((row) => row.id);
      await this.#write(0, 'second');
      for (const n of [3, 4]) await rm(this.#fileOf(n));
      await this.#write(files, 'first');
    }
  }

  async act(): Promise<void> {
    await this.#sync();
    if (this.#name !== 'cancelled') return;
    await this.#until(({ documents }) => documents.in_work > 0);
    try {
      await this.#stack.api.request(
        'POST',
        `/knowledge-sources/${this.#sourceId}/sync/cancel`,
        {},
        `stop-${this.#word}`,
      );
    } catch (error) {
      // The answer to the first attempt may be what the hit destroyed; the sync has stopped by now.
      if (!(error instanceof RefusedError) || !error.message.includes(': 409 ')) throw error;
    }
  }

  async verify(): Promise<Findings> {
    const { sync, documents } = await this.#ended();
    const findings: Findings = [];
    const expected = this.#name === 'cancelled' ? 'cancelled' : 'completed';
    if (sync?.state !== expected) findings.push(`The sync is ${sync?.state} (${sync?.error?.code ?? 'no code'})`);
    const rows = await this.#rows();
    const served = rows.filter(({ isDeleted, status }) => !isDeleted && status === 'ready');
    if (this.#name === 'cancelled') {
      const other = rows.filter(({ status }) => status !== 'ready' && status !== 'cancelled');
      for (const row of other) findings.push(`${row.path} is ${row.status}`);
    } else {
      const held = this.#name === 'new' ? newFiles : files - 1;
      if (served.length !== held || documents.ready !== held || documents.total !== held)
        findings.push(`${served.length} files of ${held} are ready; the source says ${documents.ready}`);
      if (sync?.removed !== (this.#name === 'new' ? 0 : 2))
        findings.push(`The sync says that it removed ${sync?.removed}`);
    }
    const found = new Set<string>();
    for (let n = 0; n <= newFiles; n += 1)
      for (const version of ['first', 'second'])
        for (const id of await findWord(this.#stack, this.#word, this.#wordOf(n, version)))
          found.add(`${n} ${version} ${id}`);
    const wanted = new Set(served.map((row) => this.#findable(row)));
    for (const one of wanted) if (!found.has(one)) findings.push(`Not found: ${one}`);
    for (const one of found) if (!wanted.has(one)) findings.push(`Found, and must not be: ${one}`);
    return findings;
  }

  async work(): Promise<StoryWork> {
    const rows = (await this.#rows()).filter(({ isDeleted }) => !isDeleted);
    const paidBefore = ({ path: name }: Row) => this.#name === 'changed' && ['1.md', '2.md'].includes(name);
    return {
      documents: rows.map((row) => ({
        documentId: row.id,
        generation: row.generation,
        knownChunks: paidBefore(row) ? row.chunks : 0,
      })),
      workflowIds: [workflowIds.syncSource(this.#sourceId), ...new Set(rows.map(({ workflowId }) => workflowId))],
    };
  }

  #findable({ path: name, id }: Row): string {
    return `${name.replace('.md', '')} ${this.#name === 'changed' && name === '0.md' ? 'second' : 'first'} ${id}`;
  }

  #fileOf(n: number): string {
    return path.join(this.#folder, `${n}.md`);
  }

  #wordOf(n: number, version: string): string {
    return `${this.#word}f${n}${version}`;
  }

  async #write(n: number, version: string): Promise<void> {
    const word = this.#wordOf(n, version);
    const text =
      this.#name === 'cancelled'
        ? composeText(this.#random.fork(word), toCancel.sentences, [word, providerWords.stuck])
        : composeText(this.#random.fork(word), sentences, [word]);
    await writeFile(this.#fileOf(n), text);
  }

  async #sync(): Promise<void> {
    this.#syncs += 1;
    const key = `sync-${this.#word}-${this.#syncs}`;
    await this.#stack.api.request('POST', `/knowledge-sources/${this.#sourceId}/sync`, {}, key);
  }

  #ended(): Promise<Shown> {
    return this.#until(
      ({ sync, documents }) =>
        ['completed', 'failed', 'cancelled'].includes(sync?.state ?? '') && documents.in_work === 0,
    );
  }

  async #until(reached: (shown: Shown) => boolean): Promise<Shown> {
    const deadline = Date.now() + 90_000;
    for (;;) {
      const shown = await this.#stack.api.request<Shown>('GET', `/knowledge-sources/${this.#sourceId}`);
      if (reached(shown)) return shown;
      const { documents, sync } = shown;
      if (Date.now() > deadline)
        throw new Error(`The sync is ${sync?.state}, ${documents.in_work} documents are in work, after 90 s`);
      await sleep(50);
    }
  }

  async #rows(): Promise<Row[]> {
    return queryPastHits<Row>(
      this.#stack,
      `select d.id, d.source_path as path, d.status, d.latest_generation as generation, g.workflow_id as "workflowId",
                coalesce(g.expected_chunks, 0) as chunks, d.deleted_at is not null as "isDeleted"
         from documents d join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
         where d.knowledge_source_id = $1 order by d.source_path`,
      [this.#sourceId],
    );
  }
}
