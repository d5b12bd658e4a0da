import type { EntityManager } from '@mikro-orm/postgresql';
import { createIngestionJob } from '../documents/ingestion-job-repository.ts';
import { query } from '../sql.ts';
import type { ItemDescription } from './source-item-repository.ts';
import type { SyncKey } from './source-sync-repository.ts';

/** A document that is known by its address, and not fetched yet. */
export type AddressedDocument = {
  /** Its id if it is new. */
  documentId: string;
  path: string;
  title: string;
  description: ItemDescription & { source_url: string };
};

/**
 * Accepts a document that a worker is to fetch: its row, its place in the manifest, and a sync of this one item with its
 * job commit together. Returns the document's id.
 */
export async function acceptAddress(
  em: EntityManager,
  sync: SyncKey & { jobId: string },
  document: AddressedDocument,
): Promise<string> {
  const { workspaceId, knowledgeSourceId, syncId, jobId } = sync;
  const { description } = document;
  const [row] = await query<{ id: string }>(
    em,
    `insert into documents (id, workspace_id, knowledge_source_id, title, document_type, source_path, source_url, author,
                            user_id, is_global, metadata)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
     on conflict (workspace_id, knowledge_source_id, source_path) where source_path is not null and deleted_at is null
     do update set updated_at = now() returning id`,
    [
      document.documentId,
      workspaceId,
      knowledgeSourceId,
      document.title,
      description.document_type ?? 'text',
      document.path,
      description.source_url,
      description.author ?? null,
      description.user_id ?? null,
      description.is_global ?? true,
      JSON.stringify(description.metadata ?? {}),
    ],
  );
  await createIngestionJob(em, { jobId, workspaceId, knowledgeSourceId, totalDocuments: 0, isOpen: true });
  await query(
    em,
    `insert into source_syncs (id, workspace_id, knowledge_source_id, job_id, kind, trigger)
     values ($1, $2, $3, $4, 'items', 'request')`,
    [syncId, workspaceId, knowledgeSourceId, jobId],
  );
  await query(
    em,
    `insert into source_items (workspace_id, knowledge_source_id, path, sync_id, state, document_id, description)
     values ($1, $2, $3, $4, 'pending', $5, $6)
     on conflict (workspace_id, knowledge_source_id, path) do update
     set sync_id = excluded.sync_id, state = 'pending', document_id = excluded.document_id, error = null,
         description = excluded.description, updated_at = now()`,
    [workspaceId, knowledgeSourceId, document.path, syncId, row!.id, JSON.stringify(description)],
  );
  return row!.id;
}
