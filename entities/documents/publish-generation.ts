import type { EntityManager } from '@mikro-orm/postgresql';
import type { GenerationKey } from './document-chunk-repository.ts';
import type { GenerationRun } from './document-generation-repository.ts';
import type { StoredError } from './document-repository.ts';
import { endGeneration, lockDocument, lockGenerations } from './end-generation.ts';
import type { LockedGeneration } from './end-generation.ts';
import { forgetVectors } from './embedding-cache-repository.ts';
import { countEndedDocuments } from './ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** How an attempt to publish ended; `incomplete` says what is missing and changes nothing. */
export type Publication =
  | { state: 'active'; chunks: number; superseded: boolean }
  | { state: 'failed' | 'abandoned' | 'fenced' }
  | { state: 'incomplete'; expected: number; chunks: number; embeddings: number };

/** A document and its generations up to one, locked for the rest of a transaction. */
export type LockedForPublication = {
  document: { active_generation: number | null; latest_generation: number } | undefined;
  generations: readonly LockedGeneration[];
  /** Whether the run may still write to its generation. */
  isHeld: boolean;
};

/** Locks what `publishGeneration` reads; whoever also writes in the same transaction takes these locks before. */
export async function lockForPublication(em: EntityManager, run: GenerationRun): Promise<LockedForPublication> {
  const document = await lockDocument(em, run);
  const generations = await lockGenerations(em, run);
  const own = generations.find(({ generation }) => generation === run.generation);
  const isHeld = document !== undefined && own?.state === 'staging' && own.run_id === run.runId;
  return { document, generations, isHeld };
}

/**
 * Makes a complete generation the one that search sees, in one transaction: it is counted under the locks, the former one
 * and all lower ones are abandoned, and a generation that comes after a higher one abandons itself. Asked again by the
 * same run it gives the same answer. `modelIds` are the models of whose vectors none may be missing.
 */
export async function publishGeneration(
  em: EntityManager,
  run: GenerationRun,
  modelIds: readonly string[],
  locked?: LockedForPublication,
): Promise<Publication> {
  const { document, generations } = locked ?? (await lockForPublication(em, run));
  const own = generations.find(({ generation }) => generation === run.generation);
  if (!document || !own) return { state: 'abandoned' };
  const earlier = generations.filter(({ generation }) => generation < run.generation);
  const superseded = earlier.length > 0;
  const lower = earlier.filter(({ state }) => state !== 'failed');
  if (own.state === 'active' && own.run_id === run.runId) {
    return { state: 'active', chunks: own.expected_chunks ?? 0, superseded };
  }
  if (own.state !== 'staging') return { state: own.state === 'failed' ? 'failed' : 'abandoned' };
  if (own.run_id !== run.runId) return { state: 'fenced' };
  if (document.active_generation !== null && document.active_generation > run.generation) {
    await endGeneration(em, run, { state: 'abandoned', error: newerGeneration, kept: false });
    await countEndedDocuments(em, [{ jobId: own.job_id, documentId: run.documentId, failure: null }]);
    return { state: 'abandoned' };
  }
  const counted = await countParts(em, run, modelIds);
  const expected = own.expected_chunks ?? -1;
  if (counted.chunks !== expected || counted.embeddings !== expected * modelIds.length) {
    return { state: 'incomplete', expected, chunks: counted.chunks, embeddings: counted.embeddings };
  }
  // Of a model that was asked for when the ingestion began, and was given up meanwhile.
  if (counted.unread > 0) await deleteUnreadEmbeddings(em, run, modelIds);
  const underWay = lower.filter(({ state }) => state === 'staging' || state === 'ready');
  if (lower.length > 0) await abandonGenerations(em, run, lower);
  await query(
    em,
    `update document_generations
     set state = 'active', stage = 'done', embedded_chunks = $3, password_sealed = null, completed_at = now(),
         updated_at = now()
     where document_id = $1 and generation = $2`,
    [run.documentId, run.generation, expected],
  );
  await query(
    em,
    `update documents
     set active_generation = $2, updated_at = now(),
         document_type = coalesce(
           (select g.document_type from document_generations g where g.document_id = $1 and g.generation = $2),
           document_type),
         title = coalesce(
           (select coalesce(g.found_title, g.title) from document_generations g
            where g.document_id = $1 and g.generation = $2),
           title),
         -- A newer one that is under way will say; one that has failed already said nothing, because this one was left.
         status = case when exists (
           select from document_generations g where g.document_id = id and g.state in ('staging', 'ready'))
           then status else 'ready' end,
         error = case when latest_generation = $2 then null else error end
     where id = $1`,
    [run.documentId, run.generation],
  );
  if (document.latest_generation === run.generation) await forgetVectors(em, run);
  await countEndedDocuments(
    em,
    [own, ...underWay].map(({ job_id: jobId }) => ({ jobId, documentId: run.documentId, failure: null })),
  );
  return { state: 'active', chunks: expected, superseded };
}

const newerGeneration: StoredError = {
  code: 'fenced',
  detail: 'A newer version of the document was published first. There is nothing to do.',
};

async function abandonGenerations(
  em: EntityManager,
  key: GenerationKey,
  generations: readonly LockedGeneration[],
): Promise<void> {
  await query(
    em,
    `update document_generations
     set error = case when state in ('staging', 'ready') then $3::jsonb else error end,
         state = 'abandoned', stage = 'done', password_sealed = null, completed_at = coalesce(completed_at, now()),
         updated_at = now()
     where document_id = $1 and generation = any($2::integer[]) and state <> 'abandoned'`,
    [key.documentId, generations.map(({ generation }) => generation), JSON.stringify(newerGeneration)],
  );
}

async function countParts(
  em: EntityManager,
  key: GenerationKey,
  modelIds: readonly string[],
): Promise<{ chunks: number; embeddings: number; unread: number }> {
  const [row] = await query<{ chunks: number; embeddings: number; unread: number }>(
    em,
    `select (select count(*) from document_chunks
             where workspace_id = $1 and document_id = $2 and generation = $3)::integer as chunks,
            e.embeddings, e.unread
     from (select count(*) filter (where model_id = any($4::uuid[]))::integer as embeddings,
                  count(*) filter (where model_id <> all($4::uuid[]))::integer as unread
           from chunk_embeddings where workspace_id = $1 and document_id = $2 and generation = $3) e`,
    [key.workspaceId, key.documentId, key.generation, modelIds],
  );
  return row!;
}

async function deleteUnreadEmbeddings(
  em: EntityManager,
  key: GenerationKey,
  modelIds: readonly string[],
): Promise<void> {
  await query(
    em,
    `delete from chunk_embeddings
     where workspace_id = $1 and document_id = $2 and generation = $3 and model_id <> all($4::uuid[])`,
    [key.workspaceId, key.documentId, key.generation, modelIds],
  );
}
