import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { queueFrom, sqlTime } from '../webhooks/queue-events.ts';

/** A job as a reader sees it; `document` in an error is the document's id. */
export type IngestionJobRow = {
  id: string;
  knowledge_source_id: string | null;
  status: 'queued' | 'processing' | 'completed' | 'failed' | 'partial';
  total_documents: number;
  processed_documents: number;
  failed_documents: number;
  progress_percent: number;
  errors: { document: string; error: string; timestamp: string }[];
  started_at: Date | null;
  completed_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

const jobColumns = `j.id, j.knowledge_source_id, j.status, j.total_documents, j.processed_documents, j.failed_documents,
  j.progress_percent::float8 as progress_percent, j.errors, j.started_at, j.completed_at, j.created_at, j.updated_at`;

const isoNow = sqlTime('now()');

/** What the statements below return of jobs, and from it the events of those that have ended by them. */
const counted = `j.id, j.workspace_id, j.knowledge_source_id, j.status, j.total_documents, j.processed_documents,
  j.failed_documents, j.completed_at`;
const queueEnds = `ended_jobs as (
       select workspace_id, 'job.' || status as event, 'job/' || id as key, jsonb_build_object(
                'job_id', id, 'knowledge_source_id', knowledge_source_id, 'status', status,
                'total_documents', total_documents, 'processed_documents', processed_documents,
                'failed_documents', failed_documents) as data
       from counted_jobs where completed_at = now())
     ${queueFrom('ended_jobs')}`;

/** Writes a queued job for `totalDocuments`; an open one waits for more documents before it ends. */
export async function createIngestionJob(
  em: EntityManager,
  job: {
    jobId: string;
    workspaceId: string;
    knowledgeSourceId: string | null;
    totalDocuments: number;
    isOpen?: boolean;
  },
): Promise<void> {
  await query(
    em,
    `insert into ingestion_jobs (id, workspace_id, knowledge_source_id, total_documents, is_open)
     values ($1, $2, $3, $4, $5)`,
    [job.jobId, job.workspaceId, job.knowledgeSourceId, job.totalDocuments, job.isOpen ?? false],
  );
}

/**
 * Adds documents to an open job: those that were found unchanged, those to ingest, and those that could not be fetched,
 * each by its document's id. Of the errors the first thousand are kept.
 */
export async function addToIngestionJob(
  em: EntityManager,
  jobId: string,
  added: { unchanged: number; accepted: number; failed: readonly { document: string; error: string }[] },
): Promise<void> {
  await query(
    em,
    `with added as (
       select coalesce(jsonb_agg(e || jsonb_build_object('timestamp', ${isoNow})), '[]') as errors
       from jsonb_array_elements($5::jsonb) e)
     update ingestion_jobs j
     set total_documents = total_documents + $2::integer + $3::integer + $4::integer,
         processed_documents = processed_documents + $2::integer,
         failed_documents = failed_documents + $4::integer,
         fetch_failures = fetch_failures + $4::integer,
         fetch_errors = case when jsonb_array_length(fetch_errors) < 1000 then fetch_errors || added.errors else fetch_errors end,
         errors = case when jsonb_array_length(fetch_errors) < 1000 then j.errors || added.errors else j.errors end,
         status = 'processing', started_at = coalesce(started_at, now()), updated_at = now()
     from added where id = $1 and is_open`,
    [jobId, added.unchanged, added.accepted, added.failed.length, JSON.stringify(added.failed)],
  );
}

/** Closes an open job, which ends once its documents have; `failure` is why its source could not be read to the end. */
export async function closeIngestionJob(em: EntityManager, jobId: string, failure: string | null): Promise<void> {
  await query(
    em,
    `update ingestion_jobs
     set is_open = false,
         source_error = case when $2::text is not null then jsonb_build_object(
           'document', coalesce(knowledge_source_id::text, ''), 'error', $2::text, 'timestamp', ${isoNow}) end
     where id = $1`,
    [jobId, failure],
  );
  await settleIngestionJobs(em, [jobId]);
}

/** Removes a job that turned out to have nothing to do, before anyone saw it. */
export async function removeIngestionJob(em: EntityManager, jobId: string): Promise<void> {
  await query(em, `delete from ingestion_jobs where id = $1`, [jobId]);
}

/** Counts documents whose content was already there as processed. */
export async function countUnchangedDocuments(em: EntityManager, jobId: string, unchanged: number): Promise<void> {
  await query(em, `update ingestion_jobs set processed_documents = $2 where id = $1`, [jobId, unchanged]);
}

/** Notes that work on a queued job has begun. */
export async function startIngestionJob(em: EntityManager, jobId: string): Promise<void> {
  await query(
    em,
    `update ingestion_jobs set status = 'processing', started_at = now(), updated_at = now()
     where id = $1 and status = 'queued'`,
    [jobId],
  );
}

/** A generation that ended in this transaction, with its error if that counts as a failure of its job. */
export type EndedDocument = {
  jobId: string | null;
  documentId: string;
  failure: { code: string; detail: string } | null;
};

/**
 * Counts generations that ended in this transaction, each once, in the order of their jobs: the work of one end does not
 * grow with its job. Of the errors the first thousand are kept.
 */
export async function countEndedDocuments(em: EntityManager, ended: readonly EndedDocument[]): Promise<void> {
  for (const { jobId, error, succeeded } of endsByJob(ended)) {
    await query(
      em,
      `with counted_jobs as (
       update ingestion_jobs j
       set processed_documents = c.processed, failed_documents = c.failed,
           errors = case when $2::jsonb is null or jsonb_array_length(j.errors) >= 1000 then j.errors
                         else j.errors || ($2::jsonb || jsonb_build_object('timestamp', ${isoNow})) end,
           status = case when not c.ended then 'processing'
                         when c.failed = 0 and j.source_error is null then 'completed'
                         when c.failed = j.total_documents then 'failed'
                         else 'partial' end,
           started_at = coalesce(j.started_at, now()),
           completed_at = case when c.ended then coalesce(j.completed_at, now()) end,
           updated_at = now()
       from (select o.id, o.failed, o.processed, not o.is_open and o.failed + o.processed = o.total_documents as ended
             from (select id, is_open, total_documents,
                          failed_documents + ($2::jsonb is not null)::integer as failed,
                          least(processed_documents + $3::integer,
                                total_documents - failed_documents - ($2::jsonb is not null)::integer) as processed
                   from ingestion_jobs where id = $1 for update) o) c
       where j.id = c.id returning ${counted}),
     ${queueEnds}`,
      [jobId, error && JSON.stringify(error), succeeded],
    );
  }
}

type JobEnd = { jobId: string; error: { document: string; error: string } | null; succeeded: number };

/** In the order of the jobs: each failure, and all successes of a job at once. */
function endsByJob(ended: readonly EndedDocument[]): JobEnd[] {
  const byJob = Map.groupBy(ended, ({ jobId }) => jobId);
  return [...byJob]
    .toSorted(([one], [other]) => ((one ?? '') < (other ?? '') ? -1 : 1))
    .flatMap(([jobId, documents]) => {
      if (jobId === null) return [];
      const failures = documents.flatMap(({ documentId, failure }): JobEnd[] => {
        if (failure === null) return [];
        const error = { document: documentId, error: `${failure.code}: ${failure.detail}` };
        return [{ jobId, error, succeeded: 0 }];
      });
      const succeeded = documents.length - failures.length;
      return succeeded === 0 ? failures : [...failures, { jobId, error: null, succeeded }];
    });
}

/**
 * Counts the jobs' generations anew under the jobs' locks, in the transaction that ended one of them: the last of two
 * that end at once sees both. What has no generation in the job was there unchanged, so it counts as processed; so does
 * a generation that a newer one or a delete made needless.
 */
export async function settleIngestionJobs(em: EntityManager, jobIds: readonly (string | null)[]): Promise<void> {
  const ids = [...new Set(jobIds.filter((id) => id !== null))];
  if (ids.length === 0) return;
  await query(em, `select id from ingestion_jobs where id = any($1::uuid[]) order by id for update`, [ids]);
  await query(
    em,
    `with counted as (
       select j.id as job_id,
              count(*) filter (where g.state in ('staging', 'ready')) as pending,
              count(*) filter (where failed) + j.fetch_failures as failed,
              coalesce(jsonb_agg(jsonb_build_object(
                'document', g.document_id,
                'error', concat(g.error ->> 'code', ': ', g.error ->> 'detail'),
                'timestamp', to_char(g.completed_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
                order by g.completed_at, g.document_id) filter (where failed), '[]') || j.fetch_errors
                || case when j.source_error is null then '[]' else jsonb_build_array(j.source_error) end as errors
       from ingestion_jobs j left join document_generations g on g.workspace_id = j.workspace_id and g.job_id = j.id,
            lateral (select g.state = 'failed' or (g.state = 'abandoned' and g.error ->> 'code' = 'cancelled') as failed) f
       where j.id = any($1::uuid[]) group by j.id),
     counted_jobs as (
     update ingestion_jobs j
     set processed_documents = j.total_documents - c.failed - c.pending,
         failed_documents = c.failed,
         errors = c.errors,
         status = case when c.pending > 0 or j.is_open then 'processing'
                       when c.failed = 0 and j.source_error is null then 'completed'
                       when c.failed = j.total_documents then 'failed'
                       else 'partial' end,
         started_at = coalesce(j.started_at, now()),
         completed_at = case when c.pending > 0 or j.is_open then null else coalesce(j.completed_at, now()) end,
         updated_at = now()
     from counted c where j.id = c.job_id returning ${counted}),
     ${queueEnds}`,
    [ids],
  );
}

/** Finds a job of the workspace. */
export async function findIngestionJob(em: EntityManager, jobId: string): Promise<IngestionJobRow | null> {
  const [row] = await query<IngestionJobRow>(em, `select ${jobColumns} from ingestion_jobs j where j.id = $1`, [jobId]);
  return row ?? null;
}

/** Lists jobs, newest first, after the job `afterId`. */
export async function listIngestionJobs(
  em: EntityManager,
  page: { status?: string | undefined; afterId?: string | undefined; limit: number },
): Promise<IngestionJobRow[]> {
  return query<IngestionJobRow>(
    em,
    `select ${jobColumns} from ingestion_jobs j
     where ($1::text is null or j.status = $1)
       and ($2::uuid is null or (j.created_at, j.id) < (select created_at, id from ingestion_jobs where id = $2))
     order by j.created_at desc, j.id desc limit $3`,
    [page.status ?? null, page.afterId ?? null, page.limit],
  );
}
