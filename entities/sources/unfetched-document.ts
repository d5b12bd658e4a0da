import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { SyncError } from './source-sync-repository.ts';

/**
 * Shows that a document could not be fetched: as a failed document without a generation, or beside what is served of it.
 * Returns the document's id.
 */
export async function noteUnfetchedDocument(
  em: EntityManager,
  document: {
    /** Its id if it is new. */
    documentId: string;
    workspaceId: string;
    knowledgeSourceId: string;
    path: string;
    title: string;
    sourceUrl: string | null;
    error: SyncError;
  },
): Promise<string> {
  const [row] = await query<{ id: string }>(
    em,
    `insert into documents as d (id, workspace_id, knowledge_source_id, title, document_type, source_path, source_url,
                                 is_global, status, error)
     values ($1, $2, $3, $4, 'text', $5, $6, true, 'failed', $7)
     on conflict (workspace_id, knowledge_source_id, source_path) where source_path is not null and deleted_at is null
     do update set error = excluded.error, updated_at = now(),
       status = case when d.status in ('ready', 'processing') then d.status else 'failed' end
     returning id`,
    [
      document.documentId,
      document.workspaceId,
      document.knowledgeSourceId,
      document.title,
      document.path,
      document.sourceUrl,
      JSON.stringify(document.error),
    ],
  );
  return row!.id;
}
