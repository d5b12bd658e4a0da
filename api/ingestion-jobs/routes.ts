import { documentsRetriedSchema } from '../../contracts/document.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { ingestionJobSchema, listIngestionJobsQuerySchema } from '../../contracts/ingestion-job.ts';
import { documentsChannel } from '../../contracts/names/limits.ts';
import { pageOf } from '../../contracts/page.ts';
import { cancelJobDocuments } from '../../entities/documents/cancel-documents.ts';
import { findIngestionJob, listIngestionJobs } from '../../entities/documents/ingestion-job-repository.ts';
import { retryDocuments } from '../../entities/documents/retry-documents.ts';
import { cancelSyncs } from '../../entities/sources/source-sync-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { cancelIngestion } from '../documents/cancel-ingestion.ts';
import { presentRetry } from '../documents/present-retry.ts';
import { startRetried } from '../documents/start-retried.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';
import { watchIngestionJob } from '../streams/watch-ingestion.ts';
import { presentIngestionJob } from './present-ingestion-job.ts';

/** One transaction each: so many documents are held for a moment. */
const cancelledAtOnce = 50;

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
  description:
    'Server-sent events: `document` with a document of the job and `progress` with the job, at each change, then one ' +
    '`done`. `Last-Event-ID` resumes; an event holds the whole state, so that one that comes twice is harmless.',
  scope: 'documents:read',
  params: idParamsSchema,
  responses: { 200: { mediaType: 'text/event-stream', description: 'document, progress, done' } },
  stream: async ({ params, principal, user, lastEventId }, deps) => {
    const job = await deps.database.inWorkspace(principal.workspaceId, (em) => findIngestionJob(em, params.id));
    if (!job) throw notFound('ingestion job');
    return (stream) =>
      watchIngestionJob({ deps, stream, workspaceId: principal.workspaceId, id: params.id, user, lastEventId });
  },
});

const retry = defineRoute({
  method: 'POST',
  path: '/ingestion-jobs/{id}/retry',
  tag: 'Ingestion jobs',
  summary: 'Ingest the documents of a job again that failed or were cancelled',
  description:
    'In a new job, from the bytes that were kept. Documents that a later job has brought up to date, or that were ' +
    'deleted, are left alone; `job` is null when none is left.',
  scope: 'documents:write',
  params: idParamsSchema,
  idempotent: true,
  responses: { 202: documentsRetriedSchema },
  transaction: async (em, { params, principal }) => {
    const { workspaceId } = principal;
    if (!(await findIngestionJob(em, params.id))) throw notFound('ingestion job');
    const retried = await retryDocuments(em, { workspaceId, jobId: uuidV7(), select: { jobId: params.id } });
    return { status: 202, body: await presentRetry(em, retried) };
  },
  afterCommit: startRetried,
});

const cancel = defineRoute({
  method: 'POST',
  path: '/ingestion-jobs/{id}/cancel',
  tag: 'Ingestion jobs',
  summary: 'Stop the ingestion of all documents of a job that are not done',
  description:
    'Harmless when asked again. What is served stays served; what was stopped counts as failed, and can be retried. If ' +
    'the job is that of a sync, the sync ends too.',
  scope: 'documents:write',
  params: idParamsSchema,
  responses: { 200: ingestionJobSchema },
  handle: async ({ params, principal }, deps) => {
    const { workspaceId } = principal;
    const job = await deps.database.inWorkspace(workspaceId, (em) => findIngestionJob(em, params.id));
    if (!job) throw notFound('ingestion job');
    const quietly = (error: unknown) => deps.log.warn({ err: error }, 'cancels left to the fence');
    // The sync first: it would go on bringing documents.
    const syncs = await deps.database.inWorkspace(workspaceId, (em) =>
      cancelSyncs(em, workspaceId, { jobId: params.id }),
    );
    for (const sync of syncs) await deps.starter.cancelSync(sync).catch(quietly);
    for (;;) {
      const cancelled = await deps.database.inWorkspace(workspaceId, (em) =>
        cancelJobDocuments(em, { workspaceId, jobId: params.id, limit: cancelledAtOnce }),
      );
      if (cancelled.length === 0) break;
      deps.notifier.notify(
        documentsChannel,
        cancelled.map(({ documentId }) => documentId),
      );
      // The rows have ended already; a workflow that is not reached meets the fence.
      await cancelIngestion(deps, cancelled).catch(quietly);
    }
    const ended = await deps.database.inWorkspace(workspaceId, (em) => findIngestionJob(em, params.id));
    return { status: 200, body: presentIngestionJob(ended ?? job) };
  },
});

/** Routes of ingestion jobs; a job is made by accepting documents. */
export const ingestionJobRoutes = [list, get, retry, cancel, events];
