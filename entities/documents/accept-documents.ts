import type { EntityManager } from '@mikro-orm/postgresql';
import {
  addToIngestionJob,
  countUnchangedDocuments,
  createIngestionJob,
  removeIngestionJob,
} from './ingestion-job-repository.ts';
import { planBatches } from './plan-batches.ts';
import { reserveGeneration } from './reserve-generation.ts';
import type { ChunkParameters, DocumentToAccept, ReservedGeneration } from './reserve-generation.ts';
import { query } from '../sql.ts';

/** What `acceptDocuments` did, in the order of the documents; no job if all of them were there unchanged. */
export type AcceptedDocuments = { jobId: string | null; documents: ReservedGeneration[] };

/** How documents of a source are cut that no RAG tool reads, in tokens. */
export const defaultChunkParameters: ChunkParameters = { chunkSize: 240, chunkOverlap: 32 };

/**
 * Accepts documents into one job: rows, bytes and job commit together, and only then are the workflows started. A
 * document whose bytes are already served or under way is unchanged. The knowledge source must be the workspace's.
 */
export async function acceptDocuments(
  em: EntityManager,
  batch: {
    workspaceId: string;
    jobId: string;
    knowledgeSourceId: string | null;
    documents: readonly DocumentToAccept[];
    /** The job is there and open: the documents are added to it, and it stays whatever they are. */
    addToJob?: boolean;
  },
): Promise<AcceptedDocuments> {
  const { workspaceId, jobId, knowledgeSourceId, documents, addToJob = false } = batch;
  const parameters = await readChunkParameters(em, workspaceId, knowledgeSourceId);
  if (!addToJob)
    await createIngestionJob(em, { jobId, workspaceId, knowledgeSourceId, totalDocuments: documents.length });
  await lockPaths(em, batch);
  const candidates = documents.map(({ bytes, ...document }) => ({ ...document, byteSize: bytes.byteLength }));
  const batches = await planBatches(em, { ...batch, isOpen: addToJob }, candidates);
  const reserved: ReservedGeneration[] = [];
  // In the order of their paths, so that two batches with the same documents never wait for each other in a circle.
  const order = documents.map((_, index) => index).toSorted((a, b) => compare(documents[a]!, documents[b]!));
  for (const index of order) {
    const document = documents[index]!;
    const workflowId = batches[index]!;
    const acceptance = { workspaceId, jobId, knowledgeSourceId, workflowId, ...parameters };
    reserved[index] = await reserveGeneration(em, acceptance, document);
  }
  const unchanged = reserved.filter((document) => document.unchanged).length;
  if (addToJob) {
    // After the documents, in the order in which all take their locks.
    await addToIngestionJob(em, jobId, { unchanged, accepted: documents.length - unchanged, failed: [] });
    return { jobId, documents: reserved };
  }
  if (unchanged === documents.length) {
    await removeIngestionJob(em, jobId);
    return { jobId: null, documents: reserved };
  }
  if (unchanged > 0) await countUnchangedDocuments(em, jobId, unchanged);
  return { jobId, documents: reserved };
}

/** Locks the documents that are there already in the order of their ids, as cancels, retries and deletes of many do. */
async function lockPaths(
  em: EntityManager,
  batch: { workspaceId: string; knowledgeSourceId: string | null; documents: readonly DocumentToAccept[] },
): Promise<void> {
  const paths = batch.documents.flatMap(({ sourcePath }) => sourcePath ?? []);
  // One alone has no order.
  if (paths.length < 2) return;
  const source = batch.knowledgeSourceId === null ? 'knowledge_source_id is null' : 'knowledge_source_id = $3';
  await query(
    em,
    `select id from documents
     where workspace_id = $1 and ${source} and source_path = any($2::text[]) and deleted_at is null
     order by id for no key update`,
    [batch.workspaceId, paths, ...(batch.knowledgeSourceId === null ? [] : [batch.knowledgeSourceId])],
  );
}

/** Sizes of the oldest RAG tool that reads the source; a tool without a source reads all of them. */
export async function readChunkParameters(
  em: EntityManager,
  workspaceId: string,
  knowledgeSourceId: string | null,
): Promise<ChunkParameters> {
  const [row] = await query<ChunkParameters>(
    em,
    `select chunk_size as "chunkSize", chunk_overlap as "chunkOverlap" from rag_tools
     where workspace_id = $1 and deleted_at is null and (knowledge_source_id is null or knowledge_source_id = $2)
     order by knowledge_source_id is null, created_at, id limit 1`,
    [workspaceId, knowledgeSourceId],
  );
  return row ?? defaultChunkParameters;
}

function compare(a: DocumentToAccept, b: DocumentToAccept): number {
  const first = a.sourcePath ?? '';
  const second = b.sourcePath ?? '';
  return first < second ? -1 : first > second ? 1 : 0;
}
