import type { EntityManager } from '@mikro-orm/postgresql';
import type { DocumentType } from '../../contracts/names/document-types.ts';
import type { DocumentWarning } from '../../contracts/names/document-warnings.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { deleteParts } from './document-chunk-repository.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import type { StoredError } from './document-repository.ts';
import { endGeneration, endOf, lockDocument, lockGenerations, settleDocument } from './end-generation.ts';
import type { GenerationEnd, LockedGeneration } from './end-generation.ts';
import { countEndedDocuments, startIngestionJob } from './ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** A generation and the workflow run that works on it. */
export type GenerationRun = GenerationKey & { runId: string };

/** What the first step needs to know about a generation that it now owns. */
export type OwnedGeneration = {
  state: 'staging';
  /** What the bytes looked like when they were accepted. */
  mime_type: string;
  /** The media type and charset that the sender claimed. */
  declared_type: string | null;
  /** The document's path in its source. */
  source_path: string | null;
  /** The name of the sender's file. */
  file_name: string | null;
  /** As it was accepted. */
  title: string;
  /** The language that the document's source names. */
  source_language: string | null;
  password_sealed: string | null;
  byte_size: number;
  chunk_size: number;
  chunk_overlap: number;
  /** Set once all chunks are stored. */
  expected_chunks: number | null;
  /** The id of the type of vectors in this database. */
  vector_type_id: number;
};

/** A generation that has ended, or is another run's: `fenced` while that run works on it. */
export type ForeignGeneration = { state: GenerationEnd | 'fenced'; expected_chunks: number | null };

/**
 * Makes `runId`, of the workflow `workflowId`, the only run that may write to the generation, unless a run that started
 * later has it, or a batch comes for what was given to the document's own workflow; a crashed run's half-stored chunks are
 * deleted. Takes the locks in the order that all who end a generation take them: document, generations ascending, jobs.
 */
export async function takeOverGeneration(
  em: EntityManager,
  run: GenerationRun & { runStartedAt: Date; workflowId?: string },
): Promise<OwnedGeneration | ForeignGeneration> {
  await lockDocument(em, run);
  const [found] = await query<
    OwnedGeneration & {
      run_id: string | null;
      workflow_id: string;
      job_id: string | null;
      later: boolean;
      state: LockedGeneration['state'];
    }
  >(
    em,
    `select state, run_id, workflow_id, job_id, mime_type, declared_type, password_sealed,
            (select source_path from documents where id = $2),
            (select d.metadata ->> 'file_name' from documents d where d.id = $2) as file_name,
            coalesce(title, (select d.title from documents d where d.id = $2)) as title,
            (select s.language from documents d join knowledge_sources s on s.id = d.knowledge_source_id
             where d.id = $2) as source_language, byte_size::float8 as byte_size, chunk_size, chunk_overlap, expected_chunks,
            started_at >= $4 as later, 'vector'::regtype::oid::integer as vector_type_id
     from document_generations where workspace_id = $1 and document_id = $2 and generation = $3 for update`,
    [run.workspaceId, run.documentId, run.generation, run.runStartedAt],
  );
  if (!found) return { state: 'abandoned', expected_chunks: null };
  if (found.state !== 'staging') return { state: endOf(found.state), expected_chunks: found.expected_chunks };
  const isLaters = found.run_id !== null && found.run_id !== run.runId && found.later;
  const own = workflowIds.ingestDocument(run.documentId, run.generation);
  const isOwns = found.workflow_id === own && run.workflowId !== undefined && run.workflowId !== own;
  if (isLaters || isOwns) return { state: 'fenced', expected_chunks: null };
  await query(
    em,
    `update document_generations
     set run_id = $3, started_at = $4, updated_at = now(), workflow_id = coalesce($5, workflow_id),
         queue_wait_ms = coalesce(queue_wait_ms, (extract(epoch from now() - created_at) * 1000)::integer),
         stage = case when expected_chunks is null then 'extracting' else stage end
     where document_id = $1 and generation = $2`,
    [run.documentId, run.generation, run.runId, run.runStartedAt, run.workflowId ?? null],
  );
  await query(
    em,
    `update documents set status = 'processing', updated_at = now() where id = $1 and status <> 'processing'`,
    [run.documentId],
  );
  if (found.run_id !== null && found.expected_chunks === null) await deleteParts(em, run, { blobs: false });
  if (found.job_id !== null) await startIngestionJob(em, found.job_id);
  return found;
}

/**
 * Holds the generation for this transaction's writes; false if it has ended or another run owns it. KEY SHARE is enough:
 * whoever ends or takes over a generation locks it FOR UPDATE first, and lanes that only count up progress need not wait
 * for each other's batches.
 */
export async function holdGeneration(em: EntityManager, run: GenerationRun): Promise<boolean> {
  const rows = await query(
    em,
    `select generation from document_generations
     where workspace_id = $1 and document_id = $2 and generation = $3 and state = 'staging' and run_id = $4 for key share`,
    [run.workspaceId, run.documentId, run.generation, run.runId],
  );
  return rows.length > 0;
}

/** What a generation keeps of its parsed document; `mimeType` is what the bytes were found to be. */
export type ExtractedContent = {
  content: string;
  mimeType: string;
  documentType: DocumentType;
  /** The title that it bears itself, where it was sent without one. */
  foundTitle: string | null;
  /** ISO 639-1, or `und`; null leaves the terms to be indexed later. */
  language: string | null;
  pages: readonly { number: number; start: number; label?: string }[];
  warnings: readonly DocumentWarning[];
};

/**
 * Stores the extracted text, and, if all chunks are stored in the same transaction, their number. The caller holds the
 * generation.
 */
export async function storeContent(
  em: EntityManager,
  key: GenerationKey,
  extracted: ExtractedContent & { expectedChunks: number | null },
): Promise<void> {
  await query(
    em,
    `update document_generations
     set content = $3, warnings = $4, expected_chunks = $5::integer, mime_type = $6, document_type = $7, pages = $8, language = $9,
         found_title = $10, updated_at = now(),
         stage = case when $5::integer is null then 'chunking' else 'embedding' end
     where document_id = $1 and generation = $2`,
    [
      key.documentId,
      key.generation,
      extracted.content,
      JSON.stringify(extracted.warnings),
      extracted.expectedChunks,
      extracted.mimeType,
      extracted.documentType,
      JSON.stringify(extracted.pages),
      extracted.language,
      extracted.foundTitle,
    ],
  );
}

/** Notes that the last chunks are stored. The caller holds the generation. */
export async function finishChunking(em: EntityManager, key: GenerationKey, expectedChunks: number): Promise<void> {
  await query(
    em,
    `update document_generations set expected_chunks = $3, stage = 'embedding', updated_at = now()
     where document_id = $1 and generation = $2`,
    [key.documentId, key.generation, expectedChunks],
  );
}

/** Counts chunks as embedded. The caller holds the generation. */
export async function addEmbeddedChunks(em: EntityManager, key: GenerationKey, chunks: number): Promise<void> {
  await query(
    em,
    `update document_generations set embedded_chunks = embedded_chunks + $3, updated_at = now()
     where document_id = $1 and generation = $2`,
    [key.documentId, key.generation, chunks],
  );
}

/**
 * Ends a generation that cannot be finished: its chunks and embeddings go, its document falls back to the generation
 * that was served before, or to `failed` or `cancelled` if there was none. A generation that has ended, or is another
 * run's, is left alone; returns its state.
 */
export async function failGeneration(
  em: EntityManager,
  run: GenerationRun,
  end: { status: 'failed' | 'cancelled'; error: StoredError },
): Promise<GenerationEnd | 'fenced'> {
  await lockDocument(em, run);
  const own = (await lockGenerations(em, run)).find(({ generation }) => generation === run.generation);
  if (!own) return 'abandoned';
  if (own.state !== 'staging') return endOf(own.state);
  if (own.run_id !== null && own.run_id !== run.runId) return 'fenced';
  const state = end.status === 'failed' ? 'failed' : 'abandoned';
  await endGeneration(em, run, { state, error: end.error, kept: true });
  await settleDocument(em, run, end);
  await countEndedDocuments(em, [{ jobId: own.job_id, documentId: run.documentId, failure: end.error }]);
  return state;
}
