import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import type { Database } from '../../../platform/database.ts';
import type { Findings } from './round-context.ts';

const lookEveryMs = 250;

/** Looks all the time whether anything of deleted documents is there again. */
export class ResurrectionWatch {
  readonly findings: Findings = [];
  /** Looks at the rows that were made, and the documents that were looked at last. */
  looks = 0;
  readonly #database: Database;
  readonly #tables: readonly string[];
  readonly #deleted = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #ended = new AbortController();
  readonly #watching: Promise<void>;

  private constructor(database: Database, tables: readonly string[]) {
    this.#database = database;
    this.#tables = tables;
    this.#watching = this.#watch();
  }

  /** Begins to watch every table that keeps something of a document's chunks or bytes, whichever tables there are. */
  static async start(database: Database): Promise<ResurrectionWatch> {
    const rows = await database.asOperator((em) =>
      query<{ name: string }>(
        em,
        `select c.oid::regclass::text as name from pg_class c
         where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace = 'public'::regnamespace
           and (select count(*) from pg_attribute a where a.attrelid = c.oid
                  and a.attname in ('document_id', 'generation', 'chunk_index', 'bytes')) >= 3
           and c.relname <> 'citations'`,
      ),
    );
    return new ResurrectionWatch(
      database,
      rows.map(({ name }) => name),
    );
  }

  /** From now on nothing of the document may be found: its deletion was answered. Looks at once. */
  async add(documentId: string): Promise<void> {
    this.#deleted.add(documentId);
    await this.#look([documentId]);
  }

  /** Looks a last time at all of them, and ends. */
  async end(): Promise<Findings> {
    this.#ended.abort();
    await this.#watching;
    await this.#look([...this.#deleted]);
    return this.findings;
  }

  async #watch(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      await this.#look([...this.#deleted]);
      await sleep(lookEveryMs, undefined, { signal: this.#ended.signal }).catch(() => {});
    }
  }

  async #look(documentIds: readonly string[]): Promise<void> {
    const counts = this.#tables.map(
      (table) =>
        `select '${table}' as "table", document_id as id, count(*)::integer as rows from ${table}
         where document_id = any($1::uuid[]) group by document_id`,
    );
    const rows = await this.#database.asOperator((em) =>
      query<{ table: string; id: string; rows: number }>(em, counts.join(' union all '), [documentIds]),
    );
    this.looks += 1;
    for (const row of rows) {
      if (this.#seen.has(`${row.table} ${row.id}`)) continue;
      this.#seen.add(`${row.table} ${row.id}`);
      this.findings.push(`Deleted document ${row.id} has ${row.rows} rows in ${row.table}`);
    }
  }
}
