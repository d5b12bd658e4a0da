import type { EntityManager } from '@mikro-orm/postgresql';
import type { DocumentType } from '../../contracts/names/document-types.ts';
import { query } from '../sql.ts';
import type { SyncError, SyncKey } from './source-sync-repository.ts';

/** What the manifest knows of a path, and how its document is. */
export type KnownItem = {
  path: string;
  /** The sync that listed it last. */
  syncId: string;
  state: 'pending' | 'unchanged' | 'accepted' | 'failed' | 'excluded';
  acceptedVersion: string | null;
  settingsHash: Buffer | null;
  memory: Record<string, unknown>;
  documentId: string | null;
  /** `deleted`: somebody deleted the document, which stays so; null: there never was one. */
  documentStatus: 'accepted' | 'processing' | 'ready' | 'failed' | 'cancelled' | 'deleted' | null;
  /** Whether the last attempt to fetch or ingest it failed, also when an earlier version is served. */
  hasError: boolean;
};

/** What is known of the paths; those that were never listed are left out. */
export async function readKnownItems(
  em: EntityManager,
  key: SyncKey,
  paths: readonly string[],
): Promise<Map<string, KnownItem>> {
  const rows = await query<KnownItem>(
    em,
    `select i.path, i.sync_id as "syncId", i.state, i.accepted_version as "acceptedVersion",
            i.settings_hash as "settingsHash", i.memory, i.document_id as "documentId",
            case when d.deleted_at is not null or (d.id is null and i.accepted_version is not null) then 'deleted'
                 else d.status end as "documentStatus", coalesce(d.error is not null, false) as "hasError"
     from source_items i left join documents d on d.workspace_id = i.workspace_id and d.id = i.document_id
     where i.workspace_id = $1 and i.knowledge_source_id = $2 and i.path = any($3::text[])`,
    [key.workspaceId, key.knowledgeSourceId, paths],
  );
  return new Map(rows.map((row) => [row.path, row]));
}

/** What the source says of an item, beside its path and version. */
export type ItemDescription = {
  title?: string;
  source_url?: string;
  author?: string;
  metadata?: Record<string, unknown>;
  /** Of a document that a person has sent as an address; a source's documents are for everybody. */
  user_id?: string;
  is_global?: boolean;
  document_type?: DocumentType;
  password_sealed?: string;
};

/** An item as a page has listed it. */
export type ListedItem = {
  path: string;
  state: 'pending' | 'unchanged' | 'excluded';
  version: string | null;
  description: ItemDescription;
  memory: Readonly<Record<string, unknown>>;
};

/**
 * Writes what a page has listed, and counts it; a path that the sync has listed before stays as it is. Returns how many
 * of those that it wrote need not be fetched. The caller holds the sync.
 */
export async function storeListedItems(
  em: EntityManager,
  key: SyncKey,
  items: readonly ListedItem[],
): Promise<{ unchanged: number }> {
  if (items.length === 0) return { unchanged: 0 };
  const [counted] = await query<{ unchanged: number }>(
    em,
    `with written as (
       insert into source_items as i (workspace_id, knowledge_source_id, path, sync_id, state, version, description, memory)
       select $1, $2, n.path, $3, n.state, n.version, n.description, n.memory
       from jsonb_to_recordset($4::jsonb) as n (path text, state text, version text, description jsonb, memory jsonb)
       on conflict (workspace_id, knowledge_source_id, path) do update
       set sync_id = excluded.sync_id, state = excluded.state, version = excluded.version, error = null,
           description = excluded.description, memory = excluded.memory, updated_at = now()
       where i.sync_id <> excluded.sync_id
       returning state)
     update source_syncs s
     set listed_items = listed_items + c.listed, unchanged_items = unchanged_items + c.unchanged, updated_at = now()
     from (select count(*) as listed, count(*) filter (where state <> 'pending') as unchanged from written) c
     where s.id = $3 returning c.unchanged::integer as unchanged`,
    [key.workspaceId, key.knowledgeSourceId, key.syncId, JSON.stringify(items)],
  );
  return counted!;
}

/** An item that waits to be fetched. */
export type PendingItem = {
  path: string;
  version: string | null;
  description: ItemDescription;
  memory: Record<string, unknown>;
  documentId: string | null;
};

/** The next items to fetch, in the order of their paths, after `after`. */
export async function readPendingItems(
  em: EntityManager,
  key: SyncKey,
  { after, limit }: { after: string; limit: number },
): Promise<PendingItem[]> {
  return query<PendingItem>(
    em,
    `select path, version, description, memory, document_id as "documentId" from source_items
     where sync_id = $1 and state = 'pending' and path > $2 order by path limit $3`,
    [key.syncId, after, limit],
  );
}

/**
 * Holds the documents that listed items stand for, in the order of their ids, so that none can be deleted meanwhile.
 * Returns the paths of those that were deleted: what is fetched must not bring them back. An item may have none yet.
 */
export async function holdItemDocuments(
  em: EntityManager,
  key: SyncKey,
  paths: readonly string[],
): Promise<Set<string>> {
  const rows = await query<{ path: string; isDeleted: boolean }>(
    em,
    `select i.path, d.deleted_at is not null as "isDeleted" from source_items i
     join documents d on d.workspace_id = i.workspace_id and d.id = i.document_id
     where i.workspace_id = $1 and i.knowledge_source_id = $2 and i.path = any($3::text[]) order by d.id for no key update of d`,
    [key.workspaceId, key.knowledgeSourceId, paths],
  );
  return new Set(rows.filter(({ isDeleted }) => isDeleted).map(({ path }) => path));
}

/** How the fetch of an item ended; `excluded`: its document was deleted here. */
export type ItemOutcome = {
  path: string;
  state: 'unchanged' | 'accepted' | 'failed' | 'excluded';
  documentId: string | null;
  /** Of what was handed over; null when nothing was. */
  version: string | null;
  settingsHash: Uint8Array | null;
  error: SyncError | null;
};

/**
 * Notes how the fetches of pending items ended, and counts them; one that waits no more stays as it is. Returns how many
 * waited. The caller holds the sync.
 */
export async function settleItems(em: EntityManager, key: SyncKey, outcomes: readonly ItemOutcome[]): Promise<number> {
  const [counted] = await query<{ settled: number }>(
    em,
    `with settled as (
       update source_items i
       set state = o.state, document_id = coalesce(o.document_id, i.document_id), error = o.error, updated_at = now(),
           accepted_version = case when o.state in ('failed', 'excluded') then i.accepted_version else o.version end,
           settings_hash = case when o.state in ('failed', 'excluded') then i.settings_hash
                                else decode(o.settings_hash, 'hex') end
       from jsonb_to_recordset($4::jsonb)
            as o (path text, state text, document_id uuid, version text, settings_hash text, error jsonb)
       where i.workspace_id = $1 and i.knowledge_source_id = $2 and i.path = o.path and i.sync_id = $3
         and i.state = 'pending'
       returning i.state)
     update source_syncs s
     set unchanged_items = unchanged_items + c.unchanged, accepted_items = accepted_items + c.accepted,
         failed_items = failed_items + c.failed, updated_at = now()
     from (select count(*) as settled, count(*) filter (where state in ('unchanged', 'excluded')) as unchanged,
                  count(*) filter (where state = 'accepted') as accepted,
                  count(*) filter (where state = 'failed') as failed from settled) c
     where s.id = $3 returning c.settled::integer as settled`,
    [
      key.workspaceId,
      key.knowledgeSourceId,
      key.syncId,
      JSON.stringify(
        outcomes.map(({ documentId, settingsHash, ...outcome }) => ({
          ...outcome,
          document_id: documentId,
          settings_hash: settingsHash && Buffer.from(settingsHash).toString('hex'),
        })),
      ),
    ],
  );
  return counted!.settled;
}

/** Items still to be fetched, and items that are gone from the source. */
export async function countItems(em: EntityManager, key: SyncKey): Promise<{ pending: number; missing: number }> {
  const [row] = await query<{ pending: number; missing: number }>(
    em,
    `select (select count(*) from source_items where sync_id = $3 and state = 'pending')::integer as pending,
            (select count(*) from source_items
             where workspace_id = $1 and knowledge_source_id = $2 and sync_id <> $3)::integer as missing`,
    [key.workspaceId, key.knowledgeSourceId, key.syncId],
  );
  return row!;
}

/** Items that this sync did not find, with their documents as far as those are not deleted. */
export async function readMissingItems(
  em: EntityManager,
  key: SyncKey,
  limit: number,
): Promise<{ path: string; documentId: string | null }[]> {
  return query(
    em,
    `select i.path, d.id as "documentId" from source_items i
     left join documents d on d.workspace_id = i.workspace_id and d.id = i.document_id and d.deleted_at is null
     where i.workspace_id = $1 and i.knowledge_source_id = $2 and i.sync_id <> $3 order by i.path limit $4`,
    [key.workspaceId, key.knowledgeSourceId, key.syncId, limit],
  );
}

/** Forgets items whose documents are deleted, and counts the documents. The caller holds the sync. */
export async function forgetItems(
  em: EntityManager,
  key: SyncKey,
  gone: { paths: readonly string[]; documents: number },
): Promise<void> {
  await query(
    em,
    `delete from source_items where workspace_id = $1 and knowledge_source_id = $2 and path = any($3::text[])`,
    [key.workspaceId, key.knowledgeSourceId, gone.paths],
  );
  await query(
    em,
    `update source_syncs set removed_documents = removed_documents + $2, updated_at = now() where id = $1`,
    [key.syncId, gone.documents],
  );
}
