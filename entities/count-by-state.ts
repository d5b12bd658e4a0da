import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from './sql.ts';

/** Numbers of rows by state; states without rows are left out. */
export type StateCounts = Record<string, number>;

/** How many documents, ingestion jobs and turns of the workspace are in which state, and the versions of the servers. */
export async function countByState(em: EntityManager): Promise<{
  postgresql: string;
  pgvector: string;
  documents: StateCounts;
  ingestion_jobs: StateCounts;
  turns: StateCounts;
}> {
  const [row] = await query<{
    postgresql: string;
    pgvector: string;
    documents: StateCounts | null;
    ingestion_jobs: StateCounts | null;
    turns: StateCounts | null;
  }>(
    em,
    `select split_part(current_setting('server_version'), ' ', 1) as postgresql,
            (select extversion from pg_extension where extname = 'vector') as pgvector,
            (select jsonb_object_agg(status, n) from
              (select status, count(*) as n from documents where deleted_at is null group by status) d) as documents,
            (select jsonb_object_agg(status, n) from
              (select status, count(*) as n from ingestion_jobs group by status) j) as ingestion_jobs,
            (select jsonb_object_agg(state, n) from (select state, count(*) as n from turns group by state) t) as turns`,
  );
  if (!row) throw new Error('PostgreSQL answered a query over no table with no row.');
  return { ...row, documents: row.documents ?? {}, ingestion_jobs: row.ingestion_jobs ?? {}, turns: row.turns ?? {} };
}
