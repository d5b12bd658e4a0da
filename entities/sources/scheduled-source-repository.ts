import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A source that is brought up to date by a schedule. */
export type ScheduledSource = { id: string; name: string };

/** Sources of the workspace whose schedule Temporal has, by name, or the one of that id. */
export async function listScheduledSources(em: EntityManager, id: string | null): Promise<ScheduledSource[]> {
  return query<ScheduledSource>(
    em,
    `select id, name from knowledge_sources
     where applied_schedule is not null and deleted_at is null and ($1::uuid is null or id = $1) order by name, id`,
    [id],
  );
}
