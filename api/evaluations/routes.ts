import { PerdureError } from '../../contracts/errors.ts';
import {
  createEvaluationSchema,
  evaluationSchema,
  listEvaluationsQuerySchema,
  type CreateEvaluation,
} from '../../contracts/evaluation.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { mostItems } from '../../contracts/names/evaluation-plan.ts';
import { pageOf } from '../../contracts/page.ts';
import { findDatasetVersion } from '../../entities/evaluations/evaluation-case-repository.ts';
import { findDataset, type DatasetRow } from '../../entities/evaluations/evaluation-dataset-repository.ts';
import {
  createEvaluation,
  deleteEvaluation,
  endRun,
  findEvaluation,
  listEvaluations,
  reopenRun,
} from '../../entities/evaluations/evaluation-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import { makeDataset } from '../evaluation-datasets/change-cases.ts';
import { readCursor, toPage, uuidCursor } from '../framework/page.ts';
import { defineRoute } from '../framework/route.ts';
import { watchEvaluation } from '../streams/watch-evaluation.ts';
import { planEvaluation } from './plan-evaluation.ts';
import { presentEvaluation } from './present-evaluation.ts';
import { evaluationReadRoutes } from './read-routes.ts';
import { requireEvaluation } from './require-evaluation.ts';

const tag = 'Evaluations';

const create = defineRoute({
  method: 'POST',
  path: '/evaluations',
  tag,
  summary: 'Measure a target on a data set',
  description:
    'Answers 202 once the run is committed; watch it by its events. What the request names is resolved now, with versions. ' +
    'Cases by variants by repetitions are the items of the run, each judged by every metric; gates decide the verdict.',
  scope: 'evaluations:write',
  body: createEvaluationSchema,
  maxBodyBytes: 16 * 1024 * 1024,
  idempotent: true,
  responses: { 202: evaluationSchema },
  problems: [409, 422],
  example: {
    test_cases: [{ input: { question: 'When is the office open?' }, expected_documents: ['hours.txt'] }],
    target: { type: 'rag_tool', rag_tool: 'documents' },
    metrics: ['recall@5', 'mrr'],
    gates: ['recall@5>=0.8'],
  },
  transaction: async (em, { body, principal }, deps) => {
    const { workspaceId } = principal;
    const planned = await planEvaluation(em, body, deps);
    const evaluationId = uuidV7();
    const dataset = await datasetOf(em, body, { workspaceId, evaluationId });
    const version = body.dataset_version ?? dataset.version;
    const found = await findDatasetVersion(em, dataset.id, version);
    if (!found) {
      const message = `the data set "${dataset.name}" has no version ${version}; its newest is ${dataset.version}`;
      throw refused(body.dataset_version === undefined ? 'body.dataset' : 'body.dataset_version', message);
    }
    const items = found.case_count * planned.target.variants.length * body.repetitions;
    if (items > mostItems) throw refused('body', `the run would have ${items} items; ${mostItems} are the most`);
    const baseline = body.baseline === null ? null : await findEvaluation(em, body.baseline);
    if (body.baseline !== null && !baseline) throw refused('body.baseline', `there is no run "${body.baseline}"`);
    const name = body.name ?? `${dataset.name.slice(0, 150)}, ${evaluationId.slice(0, 13)}`;
    if (await findEvaluation(em, name))
      throw new PerdureError('conflict', `There is a run named "${name}". Give it another name.`);
    await createEvaluation(em, {
      ...planned,
      workspaceId,
      evaluationId,
      name,
      type: body.target.type,
      testCases: body.test_cases ?? [],
      datasetId: dataset.id,
      datasetVersion: version,
      datasetHash: found.content_hash,
      baselineId: baseline?.id ?? null,
      reuse: body.reuse,
      gitRevision: body.git_revision ?? null,
    });
    const row = await requireEvaluation(em, evaluationId);
    return { status: 202, body: presentEvaluation(row), headers: { location: `/evaluations/${evaluationId}` } };
  },
  afterCommit: async (reply, { principal }, deps) => {
    const { id } = evaluationSchema.parse(reply.body);
    await deps.evaluations.start({ workspaceId: principal.workspaceId, evaluationId: id });
  },
});

async function datasetOf(
  em: EntityManager,
  { dataset, test_cases: cases }: CreateEvaluation,
  { workspaceId, evaluationId }: { workspaceId: string; evaluationId: string },
): Promise<DatasetRow> {
  if (cases !== undefined) {
    const name = `Cases of ${evaluationId}`;
    return makeDataset(em, { workspaceId, name, description: '', cases, origin: { kind: 'request' } });
  }
  const found = await findDataset(em, dataset!);
  if (!found) throw refused('body.dataset', `there is no data set "${dataset}" in this workspace`);
  if (found.version === 0) throw refused('body.dataset', `the data set "${found.name}" has no cases yet`);
  return found;
}

const list = defineRoute({
  method: 'GET',
  path: '/evaluations',
  tag,
  summary: 'List runs, newest first',
  scope: 'evaluations:read',
  query: listEvaluationsQuerySchema,
  responses: { 200: pageOf(evaluationSchema) },
  transaction: async (em, { query: { limit, cursor, status, dataset } }) => {
    const found = dataset === undefined ? null : await findDataset(em, dataset);
    if (dataset !== undefined && !found) throw refused('query.dataset', `there is no data set "${dataset}"`);
    const rows = await listEvaluations(em, {
      status: status ?? null,
      datasetId: found?.id ?? null,
      beforeId: readCursor(cursor, uuidCursor),
      limit: limit + 1,
    });
    return { status: 200, body: toPage(rows, limit, (row) => row.id, presentEvaluation) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}',
  tag,
  summary: 'One run with its progress, its aggregates and its verdict',
  scope: 'evaluations:read',
  params: idParamsSchema,
  responses: { 200: evaluationSchema },
  transaction: async (em, { params }) => ({
    status: 200,
    body: presentEvaluation(await requireEvaluation(em, params.id)),
  }),
});

const events = defineRoute({
  method: 'GET',
  path: '/evaluations/{id}/events',
  tag,
  summary: 'Events of a run until it has ended',
  description: 'Server-sent events: `progress` with the run at each change, then one `done`.',
  scope: 'evaluations:read',
  params: idParamsSchema,
  responses: { 200: { mediaType: 'text/event-stream', description: 'progress, done' } },
  stream: async ({ params, principal }, deps) => {
    const { workspaceId } = principal;
    await deps.database.inWorkspace(workspaceId, (em) => requireEvaluation(em, params.id));
    return (stream) => watchEvaluation({ deps, stream, workspaceId, id: params.id });
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/evaluations/{id}/cancel',
  tag,
  summary: 'Stop a run; what it has measured stays',
  description: 'Harmless when asked again. A cancelled run has no verdict; retry it to go on where it was.',
  scope: 'evaluations:write',
  params: idParamsSchema,
  responses: { 200: evaluationSchema },
  transaction: async (em, { params, principal }) => {
    const { workspaceId } = principal;
    await requireEvaluation(em, params.id);
    const detail = 'The run was cancelled on request. What it has measured stays; retry it to go on.';
    await endRun(
      em,
      { workspaceId, evaluationId: params.id },
      { status: 'cancelled', error: { code: 'cancelled', detail } },
    );
    return { status: 200, body: presentEvaluation(await requireEvaluation(em, params.id)) };
  },
  afterCommit: (_reply, { params, principal }, deps) =>
    deps.evaluations.cancel({ workspaceId: principal.workspaceId, evaluationId: params.id }),
});

const retry = defineRoute({
  method: 'POST',
  path: '/evaluations/{id}/retry',
  tag,
  summary: 'Run again what failed or was cancelled, and judge again what has no score',
  description:
    'In the same run: what has a score is not done again. 409 while the run is under way, or if nothing is open.',
  scope: 'evaluations:write',
  params: idParamsSchema,
  idempotent: true,
  responses: { 202: evaluationSchema },
  problems: [409],
  transaction: async (em, { params, principal }) => {
    const row = await requireEvaluation(em, params.id);
    const opened = await reopenRun(em, { workspaceId: principal.workspaceId, evaluationId: params.id });
    if (opened === 0) {
      const why = ['queued', 'running'].includes(row.status)
        ? 'is under way'
        : 'has nothing that failed or has no score';
      throw new PerdureError('conflict', `The run "${row.name}" ${why}.`);
    }
    return { status: 202, body: presentEvaluation(await requireEvaluation(em, params.id)) };
  },
  afterCommit: (_reply, { params, principal }, deps) =>
    deps.evaluations.start({ workspaceId: principal.workspaceId, evaluationId: params.id }),
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/evaluations/{id}',
  tag,
  summary: 'Delete a run that has ended',
  scope: 'evaluations:write',
  params: idParamsSchema,
  responses: { 204: null },
  problems: [409],
  transaction: async (em, { params }) => {
    const row = await requireEvaluation(em, params.id);
    if (['queued', 'running'].includes(row.status))
      throw new PerdureError('conflict', `The run "${row.name}" is under way. Cancel it first.`);
    await deleteEvaluation(em, params.id);
    return { status: 204 };
  },
});

function refused(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}

/** Routes of evaluations. */
export const evaluationRoutes = [create, list, get, events, cancel, retry, remove, ...evaluationReadRoutes];
