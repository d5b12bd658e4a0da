import { WorkflowFailedError } from '@temporalio/client';
import { documentsRetriedSchema } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import {
  requestSyncSchema,
  sourceCheckSchema,
  sourceSyncSchema,
  syncRequestedSchema,
} from '../../contracts/knowledge-source.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type CheckSourceResult } from '../../contracts/names/workflows.ts';
import { findIngestionJob } from '../../entities/documents/ingestion-job-repository.ts';
import { retryDocuments } from '../../entities/documents/retry-documents.ts';
import { findSync } from '../../entities/sources/source-state-repository.ts';
import { requestSync } from '../../entities/sources/source-sync-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { presentRetry } from '../documents/present-retry.ts';
import { startRetried } from '../documents/start-retried.ts';
import { reachWorkflow } from '../framework/reach-workflow.ts';
import { defineRoute } from '../framework/route.ts';
import { requirePollers } from '../health/require-pollers.ts';
import { presentIngestionJob } from '../ingestion-jobs/present-ingestion-job.ts';
import { presentSync } from './present-sync.ts';
import { requireSource } from './require-source.ts';

const sync = defineRoute({
  method: 'POST',
  path: '/knowledge-sources/{id}/sync',
  tag: 'Knowledge sources',
  summary: 'Bring a source up to date',
  description:
    'Answers 202 once the sync and its job are committed; watch the job by its events. While a sync is under way, that ' +
    'one is answered. What has not changed is neither fetched nor ingested; what the source holds no more is deleted ' +
    'last, and only after a complete listing.',
  scope: 'documents:write',
  params: idParamsSchema,
  body: requestSyncSchema,
  bodyOptional: true,
  example: {},
  idempotent: true,
  responses: { 202: syncRequestedSchema },
  problems: [409, 422],
  transaction: async (em, { params, principal, body }) => {
    const { workspaceId } = principal;
    const source = await requireSource(em, params.id);
    if (source.type === 'upload')
      throw new PerdureError(
        'source_configuration',
        `The source "${source.name}" holds what it is sent; it has nothing to sync.`,
      );
    const requested = await requestSync(em, {
      workspaceId,
      knowledgeSourceId: params.id,
      syncId: uuidV7(),
      jobId: uuidV7(),
      trigger: 'request',
      allowRemovals: body.allow_removals,
    });
    if (requested.syncId === null)
      throw new PerdureError('conflict', `The source "${source.name}" is paused. Set paused to false first.`);
    const row = await findSync(em, { knowledgeSourceId: params.id, syncId: requested.syncId });
    const job = requested.jobId === null ? null : await findIngestionJob(em, requested.jobId);
    const shown = {
      started: requested.outcome === 'started',
      sync: presentSync(row!),
      job: job && presentIngestionJob(job),
    };
    return { status: 202, body: shown };
  },
  afterCommit: async (reply, { params, principal }, deps) => {
    const { workspaceId } = principal;
    const answer = syncRequestedSchema.parse(reply.body);
    await deps.starter.startSync({ workspaceId, knowledgeSourceId: params.id, syncId: answer.sync.id, kind: 'full' });
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/knowledge-sources/{id}/sync/cancel',
  tag: 'Knowledge sources',
  summary: 'Stop the sync of a source that is under way, and the ingestions that it started',
  description: 'Answers with the newest sync as it stands; its `state` turns to cancelled once everything has stopped.',
  scope: 'documents:write',
  params: idParamsSchema,
  responses: { 202: sourceSyncSchema },
  problems: [409],
  handle: async ({ params, principal }, deps) => {
    const { workspaceId } = principal;
    // By its id once it is known: a newer one is not what was asked for.
    const findUnderWay = (known: { syncId?: string } = {}) =>
      deps.database.inWorkspace(workspaceId, async (em) => {
        const source = await requireSource(em, params.id);
        const row = await findSync(em, { knowledgeSourceId: params.id, ...known });
        if (!row || !['accepted', 'running'].includes(row.state))
          throw new PerdureError('conflict', `No sync of the source "${source.name}" is under way.`);
        return presentSync(row);
      });
    const shown = await findUnderWay();
    const running = { workspaceId, knowledgeSourceId: params.id, syncId: shown.id, kind: 'full' } as const;
    const cancelSync = async () => {
      // One that was accepted and never started is started here, so that the cancel has somebody to reach.
      await deps.starter.startSync(running);
      return deps.starter.cancelSync(running);
    };
    const isHeard = await reachWorkflow(deps, cancelSync, 'the sync goes on');
    if (!isHeard) {
      await findUnderWay({ syncId: shown.id });
      throw new PerdureError(
        'unavailable',
        'An earlier sync of this source is still ending, and this one has not begun: the sync goes on. Ask again.',
      );
    }
    return { status: 202, body: shown };
  },
});

const check = defineRoute({
  method: 'POST',
  path: '/knowledge-sources/{id}/check',
  tag: 'Knowledge sources',
  summary: 'Look whether a source can be read, from where its syncs run',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 200: sourceCheckSchema },
  handle: async ({ params, principal }, deps) => {
    const { workspaceId } = principal;
    await deps.database.inWorkspace(workspaceId, (em) => requireSource(em, params.id));
    await requirePollers(deps, taskQueues.sync).catch((error: unknown) => {
      deps.log.warn({ err: error }, 'nobody can look at a source');
      throw new PerdureError('unavailable', 'No worker polls the queue `sync`. Start one, then try again.');
    });
    try {
      const result = (await deps.temporal.workflow.execute(workflowTypes.checkSource, {
        workflowId: workflowIds.checkSource(uuidV7()),
        taskQueue: taskQueues.sync,
        args: [{ workspaceId, knowledgeSourceId: params.id }],
        workflowExecutionTimeout: '40 seconds',
        staticSummary: 'Look whether a source can be read',
      })) as CheckSourceResult;
      return { status: 200, body: result };
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      throw new PerdureError(
        'unavailable',
        'No worker of the queue `sync` has looked at the source in time. See whether one runs (GET /readyz), then try again.',
      );
    }
  },
});

const retry = defineRoute({
  method: 'POST',
  path: '/knowledge-sources/{id}/retry',
  tag: 'Knowledge sources',
  summary: 'Ingest the failed documents of a source again, from the bytes that were kept',
  description: 'What could not be fetched has no bytes: the next sync fetches it again.',
  scope: 'documents:write',
  params: idParamsSchema,
  idempotent: true,
  responses: { 202: documentsRetriedSchema },
  transaction: async (em, { params, principal }) => {
    await requireSource(em, params.id);
    const select = { knowledgeSourceId: params.id };
    const retried = await retryDocuments(em, { workspaceId: principal.workspaceId, jobId: uuidV7(), select });
    return { status: 202, body: await presentRetry(em, retried) };
  },
  afterCommit: startRetried,
});

/** Routes about bringing sources up to date. */
export const sourceSyncRoutes = [sync, cancel, check, retry];
