import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { endSync } from './source-sync-repository.ts';

/** A source of a workspace. */
export type SourceKey = { workspaceId: string; knowledgeSourceId: string };

/** Syncs that a delete has ended. */
export type EndedSync = { syncId: string; kind: 'full' | 'items' };

/**
 * Marks a source as deleted and ends its syncs, which can write nothing more once this is committed; nor can a document be
 * put into it. Null if there is no such source. Its documents are to be deleted next.
 */
export async function deleteSource(em: EntityManager, key: SourceKey): Promise<EndedSync[] | null> {
  // FOR UPDATE waits for every transaction that is putting a document into the source.
  const [source] = await query(
    em,
    `select id from knowledge_sources where workspace_id = $1 and id = $2 and deleted_at is null for update`,
    [key.workspaceId, key.knowledgeSourceId],
  );
  if (!source) return null;
  const syncs = await query<EndedSync>(
    em,
    `select id as "syncId", kind from source_syncs
     where workspace_id = $1 and knowledge_source_id = $2 and state in ('accepted', 'running') order by id for update`,
    [key.workspaceId, key.knowledgeSourceId],
  );
  await query(em, `update knowledge_sources set deleted_at = now() where id = $1`, [key.knowledgeSourceId]);
  const error = { code: 'cancelled', detail: 'The source was deleted.' };
  for (const { syncId } of syncs) await endSync(em, { ...key, syncId }, { state: 'cancelled', error });
  await query(em, `delete from source_items where workspace_id = $1 and knowledge_source_id = $2`, [
    key.workspaceId,
    key.knowledgeSourceId,
  ]);
  return syncs;
}

/** Deleted sources that still have documents. For the operator role. */
export async function findDeletedSources(em: EntityManager, limit: number): Promise<SourceKey[]> {
  return query<SourceKey>(
    em,
    `select k.workspace_id as "workspaceId", k.id as "knowledgeSourceId" from knowledge_sources k
     where k.deleted_at is not null
       and exists (select from documents d
                   where d.workspace_id = k.workspace_id and d.knowledge_source_id = k.id and d.deleted_at is null)
     order by k.id limit $1`,
    [limit],
  );
}
