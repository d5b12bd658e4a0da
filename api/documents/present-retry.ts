import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import type { documentsRetriedSchema } from '../../contracts/document.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import type { RetriedDocuments } from '../../entities/documents/retry-documents.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';

/** A retry as the API answers it. */
export async function presentRetry(
  em: EntityManager,
  { jobId, documents }: RetriedDocuments,
): Promise<z.infer<typeof documentsRetriedSchema>> {
  const job = jobId === null ? null : await findIngestionJob(em, jobId);
  return {
    job: job && presentIngestionJob(job),
    documents: documents.map(({ documentId, generation }) => ({ document_id: documentId, generation })),
  };
}
