import type { EntityManager } from '@mikro-orm/postgresql';
import { isSmallDocument } from '../../contracts/names/small-documents.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { readSourceModels } from '../agents/embedding-model-repository.ts';
import type { DocumentToAccept } from './reserve-generation.ts';

// About a second of work. A crash leaves what it had not ended to workflows of their own.
const mostDocuments = 24;

/**
 * The ids of the workflows that ingest several small documents each; a document that is not in the result has a workflow
 * of its own. A model that computes on a worker makes no haste, so that its documents are never batched.
 */
export async function planBatches(
  em: EntityManager,
  job: { workspaceId: string; jobId: string; knowledgeSourceId: string | null },
  documents: readonly DocumentToAccept[],
): Promise<ReadonlyMap<DocumentToAccept, string>> {
  const small = documents.filter(({ mimeType, bytes }) => isSmallDocument({ mimeType, byteSize: bytes.byteLength }));
  if (small.length < 2) return new Map();
  const models = await readSourceModels(em, job.workspaceId, job.knowledgeSourceId);
  if (models.length === 0 || models.some(({ provider }) => provider === 'local')) return new Map();
  const parts = Math.ceil(small.length / mostDocuments);
  const size = Math.ceil(small.length / parts);
  return new Map(
    small.map((document, index) => [document, workflowIds.ingestBatch(job.jobId, Math.floor(index / size) + 1)]),
  );
}
