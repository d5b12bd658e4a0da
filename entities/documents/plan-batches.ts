import type { EntityManager } from '@mikro-orm/postgresql';
import { isSmallDocument } from '../../contracts/names/small-documents.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { readSourceModels, type EmbeddingModelRow } from '../agents/embedding-model-repository.ts';

// About a second of work, or some seconds of a model that computes on the worker. A crash leaves what it had not ended to
// workflows of their own.
const mostDocuments = 24;
const mostComputedHere = 8;

/** What decides whether a document is batched. */
export type BatchCandidate = { documentId: string; mimeType: string; byteSize: number };

/**
 * The ids of the workflows that ingest several small documents each, in the order of the documents; null for one that gets
 * a workflow of its own. Of a job to which more is added later, the batches are named after their first documents.
 */
export async function planBatches(
  em: EntityManager,
  job: { workspaceId: string; jobId: string; knowledgeSourceId: string | null; isOpen: boolean },
  documents: readonly BatchCandidate[],
): Promise<(string | null)[]> {
  const small = documents.filter((document) => isSmallDocument(document));
  if (small.length < 2) return documents.map(() => null);
  const models = await readSourceModels(em, job.workspaceId, job.knowledgeSourceId);
  if (models.length === 0 || models.some(isLimited)) return documents.map(() => null);
  const most = models.some(({ provider }) => provider === 'local') ? mostComputedHere : mostDocuments;
  const parts = Math.ceil(small.length / most);
  const size = Math.ceil(small.length / parts);
  const planned = new Map(
    small.map((document, index) => {
      const part = Math.floor(index / size);
      const name = job.isOpen ? small[part * size]!.documentId : part + 1;
      return [document, workflowIds.ingestBatch(job.jobId, name)];
    }),
  );
  return documents.map((document) => planned.get(document) ?? null);
}

/** A model whose calls wait for their turn makes no haste: its documents are not batched. */
function isLimited({ capabilities }: EmbeddingModelRow): boolean {
  const { requestsPerMinute, tokensPerMinute } = capabilities;
  return requestsPerMinute !== undefined || tokensPerMinute !== undefined;
}
