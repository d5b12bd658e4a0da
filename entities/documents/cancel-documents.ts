import type { EntityManager } from '@mikro-orm/postgresql';
import { endGeneration, lockDocument, lockGenerations, settleDocument } from './end-generation.ts';
import type { StoredError } from './document-repository.ts';
import { settleIngestionJobs } from './ingestion-job-repository.ts';
import { forgetEmbeddingUsage } from '../usage/embedding-usage-repository.ts';
import { query } from '../sql.ts';

/** A generation that a cancel ended; its workflow meets the fence if it is not told first. */
export type CancelledGeneration = { documentId: string; generation: number; jobId: string | null };

const onRequest: StoredError = {
  code: 'cancelled',
  detail: 'The ingestion was cancelled on request. Retry the document to ingest it.',
};

/**
 * Ends every ingestion of the documents that is under way, for good once committed: chunks go, and what is served of a
 * document stays served. Documents without one are left alone. Bytes and paid vectors are kept for a retry.
 */
export async function cancelDocuments(
  em: EntityManager,
  { workspaceId, documentIds }: { workspaceId: string; documentIds: readonly string[] },
): Promise<CancelledGeneration[]> {
  const cancelled: CancelledGeneration[] = [];
  // All documents, then all generations, then the jobs, each in order: nobody waits for another in a circle.
  const found = [];
  for (const documentId of documentIds.toSorted()) {
    const document = await lockDocument(em, { workspaceId, documentId });
    if (document) found.push({ documentId, latest: document.latest_generation });
  }
  for (const { documentId, latest } of found) {
    for (const { generation, state, job_id: jobId } of await lockGenerations(em, {
      workspaceId,
      documentId,
      generation: latest,
    })) {
      if (state === 'staging' || state === 'ready') cancelled.push({ documentId, generation, jobId });
    }
  }
  for (const { documentId, generation } of cancelled) {
    const key = { workspaceId, documentId, generation };
    await endGeneration(em, key, { state: 'abandoned', error: onRequest, kept: true });
    await settleDocument(em, key, { status: 'cancelled', error: onRequest });
    await forgetEmbeddingUsage(em, documentId);
  }
  await settleIngestionJobs(
    em,
    cancelled.map(({ jobId }) => jobId),
  );
  return cancelled;
}

/** Cancels what is under way of a job, at most `limit` documents at once: to be called until nothing was cancelled. */
export async function cancelJobDocuments(
  em: EntityManager,
  { workspaceId, jobId, limit }: { workspaceId: string; jobId: string; limit: number },
): Promise<CancelledGeneration[]> {
  const rows = await query<{ id: string }>(
    em,
    `select document_id as id from document_generations
     where workspace_id = $1 and job_id = $2 and state in ('staging', 'ready') order by document_id limit $3`,
    [workspaceId, jobId, limit],
  );
  return cancelDocuments(em, { workspaceId, documentIds: rows.map((row) => row.id) });
}
