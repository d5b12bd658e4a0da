import type { EntityManager } from '@mikro-orm/postgresql';
import type { GenerationRun } from './document-generation-repository.ts';
import { forgetVectorsOf } from './embedding-cache-repository.ts';
import type { LockedGeneration } from './end-generation.ts';
import type { BatchRun } from './generation-batch-repository.ts';
import { countEndedDocuments } from './ingestion-job-repository.ts';
import { publishGeneration } from './publish-generation.ts';
import type { LockedForPublication, Publication } from './publish-generation.ts';
import { query } from '../sql.ts';

type Locked = ReadonlyMap<string, LockedForPublication>;

/** Locks, as `lockForPublication` does for one, documents and their generations up to those of the batch. */
export async function lockBatchForPublication(
  em: EntityManager,
  { workspaceId, runId, keys }: BatchRun,
): Promise<Locked> {
  const documents = await query<{ id: string } & NonNullable<LockedForPublication['document']>>(
    em,
    `select id, active_generation, latest_generation from documents
     where workspace_id = $1 and id = any($2::uuid[]) and deleted_at is null order by id for no key update`,
    [workspaceId, keys.map(({ documentId }) => documentId)],
  );
  const generations = await query<LockedGeneration & { documentId: string }>(
    em,
    `select g.document_id as "documentId", g.generation, g.state, g.run_id, g.job_id, g.expected_chunks
     from unnest($2::uuid[], $3::integer[]) as k (document_id, generation)
     join document_generations g on g.document_id = k.document_id and g.generation <= k.generation
     where g.workspace_id = $1 order by g.document_id, g.generation for update of g`,
    [workspaceId, ...columns(keys)],
  );
  const byDocument = Map.groupBy(generations, ({ documentId }) => documentId);
  const byId = new Map(documents.map(({ id, ...document }) => [id, document]));
  return new Map(
    keys.map(({ documentId, generation }) => {
      const document = byId.get(documentId);
      const found = byDocument.get(documentId) ?? [];
      const own = found.find((row) => row.generation === generation);
      const isHeld = document !== undefined && own?.state === 'staging' && own.run_id === runId;
      return [documentId, { document, generations: found, isHeld }];
    }),
  );
}

/**
 * Publishes generations that `lockBatchForPublication` has locked, each as `publishGeneration` does: documents that are
 * served for the first time all at once, the others one after the other. In the order of `runs`.
 */
export async function publishBatch(
  em: EntityManager,
  runs: readonly GenerationRun[],
  modelIds: readonly string[],
  locked: Locked,
): Promise<Publication[]> {
  const first = runs.filter((run) => isFirst(run, locked.get(run.documentId)!));
  const counted = await countPartsOf(em, first, modelIds);
  const complete = first.filter(({ documentId, generation }) => {
    const parts = counted.get(documentId);
    const expected = ownOf(locked.get(documentId)!, generation)?.expected_chunks ?? -1;
    return parts?.chunks === expected && parts.embeddings === expected * modelIds.length && parts.unread === 0;
  });
  if (complete.length > 0) await activate(em, complete, locked);
  const active = new Set(complete);
  const publications: Publication[] = [];
  for (const run of runs) {
    const own = locked.get(run.documentId)!;
    if (!active.has(run)) publications.push(await publishGeneration(em, run, modelIds, own));
    else
      publications.push({
        state: 'active',
        chunks: ownOf(own, run.generation)?.expected_chunks ?? 0,
        superseded: own.generations.length > 1,
      });
  }
  return publications;
}

const ownOf = ({ generations }: LockedForPublication, generation: number): LockedGeneration | undefined =>
  generations.find((row) => row.generation === generation);

/** Whether nothing of the document is or was served or under way but this. */
function isFirst(run: GenerationRun, { document, generations, isHeld }: LockedForPublication): boolean {
  const others = generations.filter(({ generation, state }) => generation !== run.generation && state !== 'failed');
  return isHeld && document?.active_generation === null && others.length === 0;
}

async function countPartsOf(
  em: EntityManager,
  runs: readonly GenerationRun[],
  modelIds: readonly string[],
): Promise<Map<string, { chunks: number; embeddings: number; unread: number }>> {
  if (runs.length === 0) return new Map();
  const rows = await query<{ documentId: string; chunks: number; embeddings: number; unread: number }>(
    em,
    `select k.document_id as "documentId", e.embeddings, e.unread,
            (select count(*) from document_chunks c
             where c.workspace_id = $1 and c.document_id = k.document_id and c.generation = k.generation)::integer as chunks
     from unnest($2::uuid[], $3::integer[]) as k (document_id, generation)
     cross join lateral (
       select count(*) filter (where model_id = any($4::uuid[]))::integer as embeddings,
              count(*) filter (where model_id <> all($4::uuid[]))::integer as unread
       from chunk_embeddings v
       where v.workspace_id = $1 and v.document_id = k.document_id and v.generation = k.generation) e`,
    [runs[0]!.workspaceId, ...columns(runs), modelIds],
  );
  return new Map(rows.map(({ documentId, ...parts }) => [documentId, parts]));
}

async function activate(em: EntityManager, runs: readonly GenerationRun[], locked: Locked): Promise<void> {
  await query(
    em,
    `update document_generations g
     set state = 'active', stage = 'done', embedded_chunks = expected_chunks, password_sealed = null, completed_at = now(),
         updated_at = now()
     from unnest($1::uuid[], $2::integer[]) as k (document_id, generation)
     where g.document_id = k.document_id and g.generation = k.generation`,
    columns(runs),
  );
  await query(
    em,
    `update documents d
     set active_generation = g.generation, updated_at = now(),
         document_type = coalesce(g.document_type, d.document_type),
         title = coalesce(g.found_title, g.title, d.title),
         status = case when exists (
           select from document_generations o where o.document_id = d.id and o.state in ('staging', 'ready'))
           then status else 'ready' end,
         error = case when d.latest_generation = g.generation then null else d.error end
     from unnest($1::uuid[], $2::integer[]) as k (document_id, generation)
     join document_generations g on g.document_id = k.document_id and g.generation = k.generation
     where d.id = k.document_id`,
    columns(runs),
  );
  await forgetVectorsOf(em, runs[0]!.workspaceId, runs);
  await countEndedDocuments(
    em,
    runs.map(({ documentId, generation }) => {
      const own = ownOf(locked.get(documentId)!, generation);
      return { jobId: own?.job_id ?? null, documentId, failure: null };
    }),
  );
}

function columns(keys: BatchRun['keys']): [string[], number[]] {
  return [keys.map(({ documentId }) => documentId), keys.map(({ generation }) => generation)];
}
