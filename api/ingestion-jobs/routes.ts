import { idParamsSchema } from '../../contracts/fields.ts';
import { ingestionJobSchema, listIngestionJobsQuerySchema } from '../../contracts/ingestion-job.ts';
import { pageOf } from '../../contracts/page.ts';
import { findIngestionJob, listIngestionJobs } from '../../entities/documents/ingestion-job-repository.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { watchIngestionJob } from '../streams/watch-ingestion.ts';
import { presentIngestionJob } from './present-ingestion-job.ts';

const list = defineRoute({
  method: 'GET',
  path: '/ingestion-jobs',
  tag: 'Ingestion jobs',
  summary: 'List ingestion jobs, newest first',
  scope: 'documents:read',
  query: listIngestionJobsQuerySchema,
  responses: { 200: pageOf(ingestionJobSchema) },
  transaction: async (em, { query: { limit, status, cursor } }) => {
    const afterId = readCursor(cursor, uuidCursor);
    const rows = await listIngestionJobs(em, {
      ...(status ? { status } : {}),
      ...(afterId ? { afterId } : {}),
      limit: limit + 1,
    });
    return { status: 200, body: toPage(rows, limit, (row) => row.id, presentIngestionJob) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/ingestion-jobs/{id}',
  tag: 'Ingestion jobs',
  summary: 'One job with its progress and errors',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: ingestionJobSchema },
  transaction: async (em, { params }) => {
    const job = await findIngestionJob(em, params.id);
    if (!job) throw notFound('ingestion job');
    return { status: 200, body: presentIngestionJob(job) };
  },
});

const events = defineRoute({
  method: 'GET',
  path: '/ingestion-jobs/{id}/events',
  tag: 'Ingestion jobs',
  summary: 'Events of a job until all its documents are done',
  description: 'Server-sent events: `progress` with the job at each change, then one `done`.',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: { mediaType: 'text/event-stream', description: 'progress, done' } },
  stream: async ({ params, principal }, deps) => {
    const job = await deps.database.inWorkspace(principal.workspaceId, (em) => findIngestionJob(em, params.id));
    if (!job) throw notFound('ingestion job');
    return (stream) => watchIngestionJob({ deps, stream, workspaceId: principal.workspaceId, id: params.id });
  },
});

/** Routes of ingestion jobs; a job is made by accepting documents. */
export const ingestionJobRoutes = [list, get, events];
