import type { EntityManager } from '@mikro-orm/postgresql';
import type { OwnedGeneration } from './document-generation-repository.ts';
import { startIngestionJob } from './ingestion-job-repository.ts';
import { query } from '../sql.ts';

/** A generation that a batch owns, its bytes, and its document's source. */
export type BatchedGeneration = OwnedGeneration & {
  documentId: string;
  generation: number;
  knowledgeSourceId: string | null;
  bytes: Buffer;
};

type Keys = readonly { documentId: string; generation: number }[];

const columns = (keys: Keys): [string[], number[]] => [
  keys.map(({ documentId }) => documentId),
  keys.map(({ generation }) => generation),
];

/**
 * Makes a run the only one that may write to generations which are its workflow's, which no run has had before and which
 * `isWanted`; others, and those that have ended, are left alone. With `isNew` they were accepted in this transaction, so
 * that no workflow can have begun with them, whichever they name. Takes the locks in the order that all who end a
 * generation take them: documents ascending, generations, jobs.
 */
export async function takeOverBatch(
  em: EntityManager,
  batch: { workspaceId: string; keys: Keys; runId: string; runStartedAt: Date; workflowId: string; isNew?: boolean },
  isWanted: (generation: OwnedGeneration) => boolean,
): Promise<BatchedGeneration[]> {
  const { workspaceId, keys, runId, runStartedAt, workflowId, isNew = false } = batch;
  await query(
    em,
    `select id from documents where workspace_id = $1 and id = any($2::uuid[]) and deleted_at is null
     order by id for no key update`,
    [workspaceId, keys.map(({ documentId }) => documentId)],
  );
  const found = await query<Omit<BatchedGeneration, 'bytes'> & { jobId: string | null }>(
    em,
    `select g.document_id as "documentId", g.generation, g.job_id as "jobId", g.state, g.mime_type, g.declared_type,
            g.password_sealed, d.source_path, d.metadata ->> 'file_name' as file_name,
            coalesce(g.title, d.title) as title, s.language as source_language,
            d.knowledge_source_id as "knowledgeSourceId", g.byte_size::float8 as byte_size, g.chunk_size, g.chunk_overlap,
            g.expected_chunks, 'vector'::regtype::oid::integer as vector_type_id
     from unnest($2::uuid[], $3::integer[]) as k (document_id, generation)
     join document_generations g on g.document_id = k.document_id and g.generation = k.generation
     join documents d on d.id = g.document_id
     left join knowledge_sources s on s.id = d.knowledge_source_id
     where g.workspace_id = $1 and g.state = 'staging' and g.run_id is null and (g.workflow_id = $4 or $5)
     order by g.document_id, g.generation for update of g`,
    [workspaceId, ...columns(keys), workflowId, isNew],
  );
  const wanted = found.filter(isWanted);
  if (wanted.length === 0) return [];
  await query(
    em,
    `update document_generations g
     set run_id = $3, started_at = $4, workflow_id = $5, updated_at = now(), stage = 'extracting',
         queue_wait_ms = coalesce(queue_wait_ms, (extract(epoch from now() - created_at) * 1000)::integer)
     from unnest($1::uuid[], $2::integer[]) as k (document_id, generation)
     where g.document_id = k.document_id and g.generation = k.generation`,
    [...columns(wanted), runId, runStartedAt, workflowId],
  );
  await query(
    em,
    `update documents set status = 'processing', updated_at = now()
     where id = any($1::uuid[]) and status <> 'processing'`,
    [wanted.map(({ documentId }) => documentId)],
  );
  const jobs = new Set(wanted.flatMap(({ jobId }) => jobId ?? []));
  for (const jobId of [...jobs].toSorted()) await startIngestionJob(em, jobId);
  const bytes = await readBytes(em, workspaceId, wanted);
  return wanted.map((generation, index) => ({ ...generation, bytes: bytes[index]! }));
}

async function readBytes(em: EntityManager, workspaceId: string, keys: Keys): Promise<Buffer[]> {
  const parts = await query<{ place: number; bytes: Buffer }>(
    em,
    `select k.place::integer - 1 as place, b.bytes
     from unnest($2::uuid[], $3::integer[]) with ordinality as k (document_id, generation, place)
     join blobs b on b.document_id = k.document_id and b.generation = k.generation
     where b.workspace_id = $1 order by k.place, b.part`,
    [workspaceId, ...columns(keys)],
  );
  const byPlace = Map.groupBy(parts, ({ place }) => place);
  return keys.map((_, place) => Buffer.concat((byPlace.get(place) ?? []).map((part) => part.bytes)));
}
