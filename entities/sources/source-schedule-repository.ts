import type { EntityManager } from '@mikro-orm/postgresql';
import type { SourceSchedule } from '../../contracts/source-schedule.ts';
import { query } from '../sql.ts';

/** A source whose schedule is to be brought to Temporal. */
export type SourceKey = { workspaceId: string; knowledgeSourceId: string };

const wanted = `case when deleted_at is null and status <> 'paused' and type <> 'upload'
  then nullif(configuration -> 'schedule', 'null') end`;

/**
 * Holds a source and reads the schedule that it wants, null for none, if Temporal may not have it; undefined when it has.
 * Whoever changes the schedule waits for this transaction, so that Temporal gets the changes in their order.
 */
export async function holdUnappliedSchedule(
  em: EntityManager,
  key: SourceKey,
): Promise<SourceSchedule | null | undefined> {
  const [row] = await query<{ wanted: SourceSchedule | null; isApplied: boolean }>(
    em,
    `select ${wanted} as wanted, ${wanted} is not distinct from applied_schedule as "isApplied"
     from knowledge_sources where workspace_id = $1 and id = $2 for no key update`,
    [key.workspaceId, key.knowledgeSourceId],
  );
  return row && !row.isApplied ? row.wanted : undefined;
}

/** Notes that Temporal has the schedule. The caller holds the source. */
export async function noteAppliedSchedule(
  em: EntityManager,
  key: SourceKey,
  schedule: SourceSchedule | null,
): Promise<void> {
  await query(em, `update knowledge_sources set applied_schedule = $2, updated_at = updated_at where id = $1`, [
    key.knowledgeSourceId,
    schedule && JSON.stringify(schedule),
  ]);
}

/** Sources whose schedule Temporal does not have as it should. For the operator role. */
export async function findUnappliedSchedules(em: EntityManager, limit: number): Promise<SourceKey[]> {
  return query<SourceKey>(
    em,
    `select workspace_id as "workspaceId", id as "knowledgeSourceId" from knowledge_sources
     where ${wanted} is distinct from applied_schedule and updated_at < now() - interval '5 seconds' order by id limit $1`,
    [limit],
  );
}
