import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Tables whose rows are found by a name that is unique among the not-deleted of a workspace. */
export type NamedTable =
  | 'agents'
  | 'models'
  | 'prompt_templates'
  | 'knowledge_sources'
  | 'rag_tools'
  | 'retrieval_tools'
  | 'tools';

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The id behind a name or an id, null when there is none that is not deleted. An id goes before a name like it. */
export async function findNamedId(em: EntityManager, table: NamedTable, nameOrId: string): Promise<string | null> {
  const [row] = await query<{ id: string }>(
    em,
    `select id from ${table} where deleted_at is null and (id = $1 or name = $2) order by id = $1 desc limit 1`,
    [uuid.test(nameOrId) ? nameOrId : null, nameOrId],
  );
  return row?.id ?? null;
}
