import type { EntityManager } from '@mikro-orm/postgresql';
import { closeIngestionJob, createIngestionJob } from '../documents/ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** One sync of one source. */
export type SyncKey = { workspaceId: string; knowledgeSourceId: string; syncId: string };

/** How a request for a sync ended: `started` is false when one was there that does the same. */
export type RequestedSync =
  | { outcome: 'started' | 'running'; syncId: string; jobId: string | null }
  | { outcome: 'missing' | 'paused'; syncId: null; jobId: null };

/**
 * Writes a sync of the whole source with its open job, unless one is under way. The lock on the source gives requests of
 * people and schedules an order.
 */
export async function requestSync(
  em: EntityManager,
  request: SyncKey & { jobId: string; trigger: 'request' | 'schedule'; allowRemovals: boolean },
): Promise<RequestedSync> {
  const [source] = await query<{ status: string }>(
    em,
    `select status from knowledge_sources where workspace_id = $1 and id = $2 and deleted_at is null for no key update`,
    [request.workspaceId, request.knowledgeSourceId],
  );
  if (!source) return { outcome: 'missing', syncId: null, jobId: null };
  if (source.status === 'paused') return { outcome: 'paused', syncId: null, jobId: null };
  // By its own id: the request itself, repeated because its answer was lost.
  const [running] = await query<{ id: string; job_id: string | null }>(
    em,
    `select id, job_id from source_syncs
     where workspace_id = $1 and knowledge_source_id = $2 and kind = 'full'
       and (state in ('accepted', 'running') or id = $3) order by id = $3 desc limit 1`,
    [request.workspaceId, request.knowledgeSourceId, request.syncId],
  );
  if (running) return { outcome: 'running', syncId: running.id, jobId: running.job_id };
  await createIngestionJob(em, { ...request, totalDocuments: 0, isOpen: true });
  await query(
    em,
    `insert into source_syncs (id, workspace_id, knowledge_source_id, job_id, kind, trigger, allow_removals)
     values ($1, $2, $3, $4, 'full', $5, $6)`,
    [
      request.syncId,
      request.workspaceId,
      request.knowledgeSourceId,
      request.jobId,
      request.trigger,
      request.allowRemovals,
    ],
  );
  return { outcome: 'started', syncId: request.syncId, jobId: request.jobId };
}

/** A sync that may write, and what it needs to know of its source; the connection string is sealed. */
export type HeldSync = {
  jobId: string;
  kind: 'full' | 'items';
  isListed: boolean;
  allowRemovals: boolean;
  listedItems: number;
  sourceType: string;
  connectionString: string | null;
  configuration: Record<string, unknown>;
};

/**
 * Lets a sync begin, or go on. Null if it has ended, or its source was deleted: whoever works on it must stop. The first
 * page is put on the list of pages.
 */
export async function beginSync(
  em: EntityManager,
  key: SyncKey,
  firstCursorHash: Uint8Array,
): Promise<HeldSync | null> {
  if (!(await lockSource(em, key, 'key share'))) return null;
  await query(
    em,
    `update source_syncs set state = 'running', started_at = coalesce(started_at, now()), updated_at = now()
     where workspace_id = $1 and id = $2 and state = 'accepted'`,
    [key.workspaceId, key.syncId],
  );
  const held = await holdSync(em, key);
  if (held?.kind === 'full')
    await query(
      em,
      `insert into source_cursors (workspace_id, sync_id, cursor_hash) values ($1, $2, $3) on conflict do nothing`,
      [key.workspaceId, key.syncId, Buffer.from(firstCursorHash)],
    );
  return held;
}

/**
 * Holds a sync for this transaction's writes, one writer at a time; null if it has ended or its source was deleted, whose
 * delete waits for this transaction.
 */
export async function holdSync(em: EntityManager, key: SyncKey): Promise<HeldSync | null> {
  // The source before its syncs, as everybody locks them.
  if (!(await lockSource(em, key, 'key share'))) return null;
  const [row] = await query<HeldSync>(
    em,
    `select s.job_id as "jobId", s.kind, s.is_listed as "isListed", s.allow_removals as "allowRemovals",
            s.listed_items as "listedItems", k.type as "sourceType", k.connection_string as "connectionString",
            k.configuration
     from source_syncs s join knowledge_sources k on k.workspace_id = s.workspace_id and k.id = s.knowledge_source_id
     where s.workspace_id = $1 and s.id = $2 and s.state = 'running' for no key update of s`,
    [key.workspaceId, key.syncId],
  );
  return row ?? null;
}

async function lockSource(em: EntityManager, key: SyncKey, strength: 'key share' | 'no key update'): Promise<boolean> {
  const rows = await query(
    em,
    `select id from knowledge_sources where workspace_id = $1 and id = $2 and deleted_at is null for ${strength}`,
    [key.workspaceId, key.knowledgeSourceId],
  );
  return rows.length > 0;
}

/** Why a sync ended otherwise than well. */
export type SyncError = { code: string; detail: string };

/**
 * Ends a sync that has not ended, closes its job, and forgets its list of pages; false if it had ended. A completed one
 * makes the source's documents those of now; of one that was to fetch what was named, nothing is left waiting.
 */
export async function endSync(
  em: EntityManager,
  key: SyncKey,
  end: { state: 'completed' | 'failed' | 'cancelled'; error: SyncError | null },
): Promise<boolean> {
  await lockSource(em, key, 'no key update');
  const [ended] = await query<{ jobId: string | null; knowledgeSourceId: string; kind: string }>(
    em,
    `update source_syncs
     set state = $3, error = $4, completed_at = now(), updated_at = now(), started_at = coalesce(started_at, now())
     where workspace_id = $1 and id = $2 and state in ('accepted', 'running')
     returning job_id as "jobId", knowledge_source_id as "knowledgeSourceId", kind`,
    [key.workspaceId, key.syncId, end.state, end.error && JSON.stringify(end.error)],
  );
  if (!ended) return false;
  await query(em, `delete from source_cursors where workspace_id = $1 and sync_id = $2`, [key.workspaceId, key.syncId]);
  if (end.state === 'completed' && ended.kind === 'full')
    await query(em, `update knowledge_sources set last_sync = now() where id = $1`, [ended.knowledgeSourceId]);
  if (ended.kind === 'items' && end.error !== null) await failUnfetchedItems(em, key, { ...end, error: end.error });
  if (ended.jobId !== null) {
    const failure = end.error && `${end.error.code}: ${end.error.detail}`;
    await closeIngestionJob(em, ended.jobId, failure);
  }
  return true;
}

/** Notes why a running sync does not get on just now, or (null) that it does again. */
export async function noteSyncTrouble(em: EntityManager, { syncId }: SyncKey, error: SyncError | null): Promise<void> {
  await query(
    em,
    `update source_syncs set error = $2 where id = $1 and state = 'running' and error is distinct from $2::jsonb`,
    [syncId, error && JSON.stringify(error)],
  );
}

/** What a cancel names: the job of a sync, or a document that a sync was named to fetch. */
export type SyncSelection = { jobId: string } | { documentId: string };

/** Ends the syncs on request that are under way of a job, or to fetch a document; returns those that it ended. */
export async function cancelSyncs(
  em: EntityManager,
  workspaceId: string,
  select: SyncSelection,
): Promise<(SyncKey & { kind: 'full' | 'items' })[]> {
  const { jobId = null, documentId = null } = select as { jobId?: string; documentId?: string };
  const found = await query<SyncKey & { kind: 'full' | 'items' }>(
    em,
    `select workspace_id as "workspaceId", knowledge_source_id as "knowledgeSourceId", id as "syncId", kind
     from source_syncs s
     where workspace_id = $1 and state in ('accepted', 'running')
       and (s.job_id = $2 or s.kind = 'items' and exists (
         select from source_items i where i.sync_id = s.id and i.document_id = $3 and i.state = 'pending'))
     order by id`,
    [workspaceId, jobId, documentId],
  );
  const ended = [];
  for (const sync of found) {
    const again = sync.kind === 'full' ? 'Sync again to go on.' : 'Send the address again.';
    const error = { code: 'cancelled', detail: `It was cancelled on request. ${again}` };
    if (await endSync(em, sync, { state: 'cancelled', error })) ended.push(sync);
  }
  return ended;
}

/** Ends what a sync was named to fetch and has not: its items fail, and so do documents that have no version yet. */
async function failUnfetchedItems(
  em: EntityManager,
  key: SyncKey,
  end: { state: 'completed' | 'failed' | 'cancelled'; error: SyncError },
): Promise<void> {
  await query(
    em,
    `with unfetched as (
       update source_items set state = 'failed', error = $4, updated_at = now()
       where workspace_id = $1 and knowledge_source_id = $2 and sync_id = $3 and state = 'pending'
       returning document_id)
     update documents d
     set error = $4, updated_at = now(),
         status = case when d.latest_generation > 0 then d.status when $5 = 'cancelled' then 'cancelled' else 'failed' end
     from unfetched u where d.workspace_id = $1 and d.id = u.document_id and d.deleted_at is null`,
    [key.workspaceId, key.knowledgeSourceId, key.syncId, JSON.stringify(end.error), end.state],
  );
}

/** A sync that nobody may be working on, and how often its workflow was started again. */
export type StraySync = SyncKey & { kind: 'full' | 'items'; state: 'accepted' | 'running'; restarts: number };

/**
 * Finds syncs that were accepted a few seconds ago and have not begun, and syncs that have been silent for half a minute.
 * They are marked, so that the next look leaves them alone for as long. For the operator role.
 */
export async function claimStraySyncs(em: EntityManager, limit: number): Promise<StraySync[]> {
  return query<StraySync>(
    em,
    `update source_syncs s set updated_at = now()
     from (select id from source_syncs
           where state = 'accepted' and updated_at < now() - interval '5 seconds'
              or state = 'running' and updated_at < now() - interval '30 seconds'
           order by updated_at limit $1 for update skip locked) stray
     where s.id = stray.id
     returning s.workspace_id as "workspaceId", s.knowledge_source_id as "knowledgeSourceId", s.id as "syncId", s.kind, s.state, s.restarts`,
    [limit],
  );
}

/** Notes that the workflow of a sync is started which should have been running. For the operator role. */
export async function noteSyncRestart(em: EntityManager, { syncId }: SyncKey): Promise<void> {
  await query(em, `update source_syncs set restarts = restarts + 1 where id = $1`, [syncId]);
}

/** A source as its adapter is opened by; the connection string is sealed. */
export async function readStoredSource(
  em: EntityManager,
  key: { workspaceId: string; knowledgeSourceId: string },
): Promise<{ type: string; connectionString: string | null; configuration: Record<string, unknown> } | null> {
  const [row] = await query<{ type: string; connectionString: string | null; configuration: Record<string, unknown> }>(
    em,
    `select type, connection_string as "connectionString", configuration from knowledge_sources
     where workspace_id = $1 and id = $2 and deleted_at is null`,
    [key.workspaceId, key.knowledgeSourceId],
  );
  return row ?? null;
}
