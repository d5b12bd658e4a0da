import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import { composeText } from './compose-text.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';
import { sagaNames } from './saga-workspace.ts';
import type { SeededRandom } from './seeded-random.ts';

type State = { id: string; status: string; code: string | null };

/** Many documents that are ingested at once, and how far they are. */
export class SagaBatch {
  readonly documentIds: readonly string[];
  #open: number;
  readonly #stack: ProxiedStack;

  private constructor(stack: ProxiedStack, documentIds: readonly string[]) {
    this.#stack = stack;
    this.documentIds = documentIds;
    this.#open = documentIds.length;
  }

  /** Has `count` documents of about `sentences` sentences accepted in one job. */
  static async accept(
    stack: ProxiedStack,
    name: string,
    { count, sentences }: { count: number; sentences: number },
    random: SeededRandom,
  ): Promise<SagaBatch> {
    const { documents } = await stack.api.request<{ documents: Array<{ document_id: string }> }>(
      'POST',
      '/documents/batch',
      {
        knowledge_source: sagaNames.source,
        documents: Array.from({ length: count }, (_, n) => ({
          title: `${name} ${n}`,
          path: `${name}/${n}.md`,
          document_type: 'markdown',
          is_global: true,
          text: composeText(random.fork(`document ${n}`), sentences, [`${name}n${n}`]),
        })),
      },
      name,
    );
    return new SagaBatch(
      stack,
      documents.map(({ document_id: id }) => id),
    );
  }

  /** How much has ended, from 0 to 1, as of the last look. */
  progress(): number {
    return 1 - this.#open / this.documentIds.length;
  }

  /** Looks until all have ended; says which have not ended well. */
  async untilEnded(patienceMs: number): Promise<Findings> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const rows = await this.#read();
      const open = rows.filter(({ status }) => status === 'accepted' || status === 'processing');
      this.#open = open.length;
      if (open.length === 0 || Date.now() > deadline)
        return rows
          .filter(({ status }) => status !== 'ready')
          .map(({ id, status, code }) => `Document ${id} is ${status} (${code ?? 'no code'})`);
      await sleep(100);
    }
  }

  async #read(): Promise<State[]> {
    return this.#stack.database.asOperator((em) =>
      query<State>(em, `select id, status, error ->> 'code' as code from documents where id = any($1::uuid[])`, [
        this.documentIds,
      ]),
    );
  }
}
