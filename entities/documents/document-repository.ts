import type { EntityManager } from '@mikro-orm/postgresql';
import type { DocumentType } from '../../contracts/names/document-types.ts';
import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import { deleteParts } from './document-chunk-repository.ts';
import { forgetEmbeddingUsage } from '../usage/embedding-usage-repository.ts';
import { forgetVectors } from './embedding-cache-repository.ts';
import { settleIngestionJobs } from './ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** Why an ingestion failed: a code of contracts/errors.ts, and what is wrong and what to do. */
export type StoredError = { code: string; detail: string };

/** A document as a reader sees it, with its newest generation (times in `latest` are ISO 8601 text). */
export type DocumentRow = {
  id: string;
  title: string;
  document_type: DocumentType;
  knowledge_source_id: string | null;
  source_path: string | null;
  source_url: string | null;
  author: string | null;
  /** The owner's external id. */
  user: string | null;
  is_global: boolean;
  metadata: Record<string, unknown>;
  status: 'accepted' | 'processing' | 'ready' | 'failed' | 'cancelled';
  error: StoredError | null;
  active_generation: number | null;
  created_at: Date;
  updated_at: Date;
  latest: LatestGeneration | null;
};

/** The newest generation of a document. */
export type LatestGeneration = {
  generation: number;
  state: 'staging' | 'ready' | 'active' | 'failed' | 'abandoned';
  stage: 'accepted' | 'extracting' | 'chunking' | 'embedding' | 'verifying' | 'activating' | 'done';
  mime_type: string;
  document_type: DocumentType | null;
  byte_size: number;
  characters: number | null;
  expected_chunks: number | null;
  embedded_chunks: number;
  warnings: DocumentWarning[];
  error: StoredError | null;
  job_id: string | null;
  workflow_id: string;
  queue_wait_ms: number | null;
  restarts: number;
  started_at: string | null;
  completed_at: string | null;
};

const isoTime = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const selectDocuments = `
  select d.id, d.title, d.document_type, d.knowledge_source_id, d.source_path, d.source_url, d.author,
         u.external_id as "user", d.is_global, d.metadata, d.status, d.error, d.active_generation, d.created_at, d.updated_at,
         case when g.generation is null then null else jsonb_build_object(
           'generation', g.generation, 'state', g.state, 'stage', g.stage, 'mime_type', g.mime_type,
           'document_type', g.document_type, 'byte_size', g.byte_size, 'characters', last.end_char, 'expected_chunks', g.expected_chunks,
           'embedded_chunks', g.embedded_chunks, 'warnings', g.warnings, 'error', g.error, 'job_id', g.job_id,
           'workflow_id', g.workflow_id, 'queue_wait_ms', g.queue_wait_ms, 'restarts', g.restarts,
           'started_at', ${isoTime('g.started_at')}, 'completed_at', ${isoTime('g.completed_at')}) end as latest
  from documents d
  left join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
  left join lateral (
    -- Chunks cover the whole text: the last one ends where it ends, and the text need not be read to measure it.
    select end_char from document_chunks c
    where c.workspace_id = d.workspace_id and c.document_id = d.id and c.generation = g.generation
    order by c.chunk_index desc limit 1) last on true
  left join users u on u.workspace_id = d.workspace_id and u.id = d.user_id
  where d.deleted_at is null`;

/** Finds a document that was not deleted. */
export async function findDocument(em: EntityManager, documentId: string): Promise<DocumentRow | null> {
  const [row] = await query<DocumentRow>(em, `${selectDocuments} and d.id = $1`, [documentId]);
  return row ?? null;
}

/** What a list of documents is narrowed to; `visibleTo` is the id of a user who sees their own and global documents. */
export type DocumentFilter = {
  status?: string | undefined;
  knowledgeSourceId?: string | undefined;
  sourcePath?: string | undefined;
  visibleTo?: string | undefined;
  afterId?: string | undefined;
  limit: number;
};

/** Lists documents that were not deleted, newest first, after the document `afterId`. */
export async function listDocuments(em: EntityManager, filter: DocumentFilter): Promise<DocumentRow[]> {
  return query<DocumentRow>(
    em,
    `${selectDocuments}
       and ($1::text is null or d.status = $1
            -- Served in an earlier version while its newest one failed.
            or $1 = 'failed' and d.status = 'ready' and d.error is not null)
       and ($2::uuid is null or d.knowledge_source_id = $2)
       and ($3::text is null or d.source_path = $3)
       and ($4::uuid is null or d.is_global or d.user_id = $4)
       and ($5::uuid is null or (d.created_at, d.id) < (select created_at, id from documents where id = $5))
     order by d.created_at desc, d.id desc limit $6`,
    [
      filter.status ?? null,
      filter.knowledgeSourceId ?? null,
      filter.sourcePath ?? null,
      filter.visibleTo ?? null,
      filter.afterId ?? null,
      filter.limit,
    ],
  );
}

/** Reads the text of the active generation, into which chunks' offsets point. */
export async function readDocumentContent(
  em: EntityManager,
  documentId: string,
): Promise<{ content: string; generation: number; mime_type: string } | null> {
  const [row] = await query<{ content: string; generation: number; mime_type: string }>(
    em,
    `select g.content, g.generation, g.mime_type from documents d
     join document_generations g on g.document_id = d.id and g.generation = d.active_generation
     where d.id = $1 and d.deleted_at is null and g.content is not null`,
    [documentId],
  );
  return row ?? null;
}

/** What a delete ended: the ingestions that were under way, which meet the fence if they are not cancelled first. */
export type DeletedDocuments = {
  documentIds: string[];
  abandoned: { documentId: string; generation: number; workflow_id: string; job_id: string | null }[];
};

/**
 * Deletes a document for good: text, bytes, chunks and embeddings are gone at commit, and an ingestion that is under way
 * can write nothing more. `deleted` is false if there is no such document.
 */
export async function deleteDocument(
  em: EntityManager,
  { workspaceId, documentId }: { workspaceId: string; documentId: string },
): Promise<{ deleted: boolean; abandoned: DeletedDocuments['abandoned'] }> {
  const { documentIds, abandoned } = await deleteDocuments(em, workspaceId, [documentId]);
  return { deleted: documentIds.length > 0, abandoned };
}

/**
 * Deletes documents of a source in the same way, at most `limit`: to be called, each time in a transaction of its own,
 * until none was deleted.
 */
export async function deleteSourceDocuments(
  em: EntityManager,
  source: { workspaceId: string; knowledgeSourceId: string; limit: number },
): Promise<DeletedDocuments> {
  const rows = await query<{ id: string }>(
    em,
    `select id from documents where workspace_id = $1 and knowledge_source_id = $2 and deleted_at is null
     order by id limit $3`,
    [source.workspaceId, source.knowledgeSourceId, source.limit],
  );
  return deleteDocuments(
    em,
    source.workspaceId,
    rows.map(({ id }) => id),
  );
}

async function deleteDocuments(
  em: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<DeletedDocuments> {
  const found = await query<{ id: string }>(
    em,
    `select id from documents where workspace_id = $1 and id = any($2::uuid[]) and deleted_at is null
     order by id for no key update`,
    [workspaceId, ids],
  );
  const documentIds = found.map(({ id }) => id);
  if (documentIds.length === 0) return { documentIds, abandoned: [] };
  // Waits for every write that is under way; from here on the fence refuses others.
  const generations = await query<{
    documentId: string;
    generation: number;
    state: string;
    workflow_id: string;
    job_id: string | null;
  }>(
    em,
    `select document_id as "documentId", generation, state, workflow_id, job_id from document_generations
     where workspace_id = $1 and document_id = any($2::uuid[]) order by document_id, generation for update`,
    [workspaceId, documentIds],
  );
  const abandoned = generations.filter(({ state }) => state === 'staging' || state === 'ready');
  await query(
    em,
    `update document_generations
     set content = null, password_sealed = null, updated_at = now(), stage = 'done',
         completed_at = coalesce(completed_at, now()),
         error = case when state in ('staging', 'ready') then $2::jsonb else error end,
         state = case when state = 'failed' then state else 'abandoned' end
     where document_id = any($1::uuid[])`,
    [
      documentIds,
      JSON.stringify({ code: 'document_deleted', detail: 'The document was deleted while it was ingested.' }),
    ],
  );
  for (const { documentId, generation } of generations) {
    await deleteParts(em, { workspaceId, documentId, generation }, { blobs: true });
  }
  for (const documentId of documentIds) await forgetVectors(em, { workspaceId, documentId });
  await query(
    em,
    `update documents set deleted_at = now(), updated_at = now(), active_generation = null,
            status = case when status in ('accepted', 'processing') then 'cancelled' else status end
     where id = any($1::uuid[])`,
    [documentIds],
  );
  // A worker that never answers cannot say what its call cost; one that does says it afterwards.
  for (const { documentId } of abandoned) await forgetEmbeddingUsage(em, documentId);
  await settleIngestionJobs(
    em,
    abandoned.map((generation) => generation.job_id),
  );
  return { documentIds, abandoned };
}
