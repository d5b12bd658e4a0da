import type { EntityManager } from '@mikro-orm/postgresql';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { readChunkParameters } from './accept-documents.ts';
import { createIngestionJob } from './ingestion-job-repository.ts';
import { planBatches, type BatchCandidate } from './plan-batches.ts';
import { query } from '../sql.ts';

/**
 * Which documents to ingest again: one, all of a job that failed or were cancelled, all of a source that failed, or all of a
 * source (null: of none) that failed with a code.
 */
export type RetrySelection =
  | { documentId: string }
  | { jobId: string }
  | { knowledgeSourceId: string }
  | { knowledgeSourceId: string | null; code: string };

/** The job of a retry with its generations; null when there was nothing to ingest again. */
export type RetriedDocuments = { jobId: string | null; documents: { documentId: string; generation: number }[] };

/**
 * Ingests documents again from the bytes that were kept, each as a new generation of one new job, with the sizes that
 * their source has now; chunks whose vectors were paid for are not paid again. Only documents whose newest generation
 * failed, or was cancelled, and whose bytes are still there; what is served of them stays served meanwhile.
 */
export async function retryDocuments(
  em: EntityManager,
  retry: { workspaceId: string; jobId: string; select: RetrySelection; passwordSealed?: string | null },
): Promise<RetriedDocuments> {
  const candidates = await lockCandidates(em, retry.workspaceId, retry.select);
  const [first] = candidates;
  if (!first) return { jobId: null, documents: [] };
  const { knowledgeSourceId } = first;
  const parameters = await readChunkParameters(em, retry.workspaceId, knowledgeSourceId);
  const job = {
    jobId: retry.jobId,
    workspaceId: retry.workspaceId,
    knowledgeSourceId,
    totalDocuments: candidates.length,
  };
  await createIngestionJob(em, job);
  const batches = await planBatches(em, { ...job, isOpen: false }, candidates);
  const documents = candidates.map(({ documentId, latest }) => ({ documentId, generation: latest + 1 }));
  const named = [documents.map(({ documentId }) => documentId), documents.map(({ generation }) => generation)];
  await query(
    em,
    `insert into document_generations (workspace_id, document_id, generation, job_id, workflow_id, title, mime_type,
                                       document_type, declared_type, byte_size, content_hash, chunk_size, chunk_overlap,
                                       password_sealed)
     select g.workspace_id, g.document_id, n.generation, $4, n.workflow_id, coalesce(g.title, d.title), g.mime_type, g.document_type,
            g.declared_type, g.byte_size, g.content_hash, $5, $6, $7
     from unnest($1::uuid[], $2::integer[], $3::text[]) as n (document_id, generation, workflow_id)
     join documents d on d.id = n.document_id
     join document_generations g on g.document_id = n.document_id and g.generation = n.generation - 1`,
    [
      ...named,
      documents.map(
        ({ documentId, generation }, n) => batches[n] ?? workflowIds.ingestDocument(documentId, generation),
      ),
      retry.jobId,
      parameters.chunkSize,
      parameters.chunkOverlap,
      retry.passwordSealed ?? null,
    ],
  );
  await query(
    em,
    `update blobs b set generation = n.generation
     from unnest($1::uuid[], $2::integer[]) as n (document_id, generation)
     where b.document_id = n.document_id and b.generation = n.generation - 1`,
    named,
  );
  await query(
    em,
    `update documents d set latest_generation = n.generation, status = 'accepted', error = null, updated_at = now()
     from unnest($1::uuid[], $2::integer[]) as n (document_id, generation) where d.id = n.document_id`,
    named,
  );
  return { jobId: retry.jobId, documents };
}

/** Locks first and looks afterwards: a state that was seen before the lock may have changed. */
async function lockCandidates(
  em: EntityManager,
  workspaceId: string,
  select: RetrySelection,
): Promise<(BatchCandidate & { latest: number; knowledgeSourceId: string | null })[]> {
  const candidates = `
    from documents d join document_generations g on g.document_id = d.id and g.generation = d.latest_generation
    where d.workspace_id = $1 and d.deleted_at is null
      and ($2::uuid is null or d.id = $2) and ($3::uuid is null or g.job_id = $3)
      and ($4::uuid is null or d.knowledge_source_id = $4 and g.state = 'failed')
      and ($5::text is null or g.error ->> 'code' = $5 and d.knowledge_source_id is not distinct from $4)
      and g.state in ('failed', 'abandoned')
      and exists (select from blobs b where b.document_id = d.id and b.generation = g.generation)`;
  const {
    documentId = null,
    jobId = null,
    knowledgeSourceId = null,
    code = null,
  } = select as {
    documentId?: string;
    jobId?: string;
    knowledgeSourceId?: string | null;
    code?: string;
  };
  const parameters = [workspaceId, documentId, jobId, knowledgeSourceId, code];
  await query(em, `select d.id ${candidates} order by d.id for no key update of d`, parameters);
  return query(
    em,
    `select d.id as "documentId", d.latest_generation as latest, d.knowledge_source_id as "knowledgeSourceId",
            g.mime_type as "mimeType", g.byte_size::float8 as "byteSize"
     ${candidates} order by d.id`,
    parameters,
  );
}
