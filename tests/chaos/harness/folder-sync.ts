import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import { composeText } from './compose-text.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

type Source = {
  id: string;
  status: string;
  documents: { total: number; ready: number; failed: number };
  sync: { state: string; accepted: number; failed: number; error: { code: string } | null } | null;
};

/** A source of many files that is brought up to date, and how far it is. */
export class FolderSync {
  readonly #stack: ProxiedStack;
  readonly #sourceId: string;
  readonly #files: number;
  #ready = 0;

  private constructor(stack: ProxiedStack, sourceId: string, files: number) {
    this.#stack = stack;
    this.#sourceId = sourceId;
    this.#files = files;
  }

  /** Writes `count` files of about `sentences` sentences, and has them synchronised. */
  static async start(
    stack: ProxiedStack,
    name: string,
    { count, sentences }: { count: number; sentences: number },
    random: SeededRandom,
  ): Promise<FolderSync> {
    const folder = path.join(stack.sourceFolder, name);
    await mkdir(folder);
    for (let n = 0; n < count; n += 1)
      await writeFile(path.join(folder, `${n}.md`), composeText(random.fork(`file ${n}`), sentences, [`${name}n${n}`]));
    const { id } = await stack.api.request<{ id: string }>(
      'POST',
      '/knowledge-sources',
      { name, type: 'file', configuration: { path: folder } },
      `source-${name}`,
    );
    await stack.api.request(
      'POST',
      '/rag-tools',
      { name, knowledge_source: name, embedding_model: sagaNames.model, chunk_size: 40, chunk_overlap: 0 },
      `tool-${name}`,
    );
    await stack.api.request('POST', `/knowledge-sources/${id}/sync`, {}, `sync-${name}`);
    return new FolderSync(stack, id, count);
  }

  /** How much is served, from 0 to 1, as of the last look. */
  progress(): number {
    return this.#ready / this.#files;
  }

  /** Looks until the sync has ended; says what has not gone well. */
  async untilEnded(patienceMs: number): Promise<Findings> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const { status, documents, sync } = await this.#stack.api.request<Source>(
        'GET',
        `/knowledge-sources/${this.#sourceId}`,
      );
      this.#ready = documents.ready;
      const state = sync?.state ?? 'missing';
      if (['completed', 'failed', 'cancelled'].includes(state) || Date.now() > deadline) {
        const whole = state === 'completed' && documents.ready === this.#files && sync?.failed === 0;
        if (whole && status === 'ready') return [];
        const numbers = `${documents.ready} of ${this.#files} files ready, ${documents.failed} failed`;
        return [`The sync is ${state} (${sync?.error?.code ?? 'no code'}), its source ${status}, ${numbers}`];
      }
      await sleep(200);
    }
  }

  /** Ids of the source's documents. */
  async documentIds(): Promise<string[]> {
    const rows = await this.#stack.database.asOperator((em) =>
      query<{ id: string }>(em, `select id from documents where knowledge_source_id = $1`, [this.#sourceId]),
    );
    return rows.map(({ id }) => id);
  }
}
