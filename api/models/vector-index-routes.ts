import { idParamsSchema } from '../../contracts/fields.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { maintenanceStartedSchema, vectorIndexSchema, vectorIndexStateSchema } from '../../contracts/vector-index.ts';
import { readVectorIndexes, setVectorIndex } from '../../entities/agents/vector-index-repository.ts';
import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { defineRoute } from '../framework/route.ts';
import { notFound } from '../framework/validate-request.ts';

const path = '/models/{id}/vector-index';

const show = defineRoute({
  method: 'GET',
  path,
  tag: 'Models',
  summary: 'The indexes of an embedding model’s vectors: which are wanted, and which are there',
  scope: 'configuration:read',
  params: idParamsSchema,
  responses: { 200: vectorIndexStateSchema },
  transaction: async (em, { params }) => ({ status: 200, body: await present(em, params.id) }),
});

const change = defineRoute({
  method: 'PUT',
  path,
  tag: 'Models',
  summary: 'Choose the kind and the metrics of the indexes of an embedding model’s vectors',
  description:
    'Answers 202 with the state as it is; the indexes are built in the background while search and ingestion go on, and ' +
    'those that they replace are dropped afterwards. Few rows need no index: an HNSW index is built once comparing with all ' +
    'would take longer than about 10 ms, and vectors that come later get a segment of their own once they are many; an IVFFlat index once there are rows for it, and anew when their number has ' +
    'doubled or halved.',
  scope: 'configuration:write',
  params: idParamsSchema,
  body: vectorIndexSchema,
  example: { kind: 'ivfflat', metrics: ['cosine'] },
  responses: { 202: vectorIndexStateSchema },
  transaction: async (em, { params, body }) => {
    await present(em, params.id);
    await setVectorIndex(em, params.id, body);
    return { status: 202, body: await present(em, params.id) };
  },
  afterCommit: async (_reply, { params, principal }, deps) => {
    await deps.starter.startIndexing({ workspaceId: principal.workspaceId, modelId: params.id });
  },
});

const maintain = defineRoute({
  method: 'POST',
  path: '/models/{id}/vector-index/maintain',
  tag: 'Models',
  summary: 'Look after the indexes of an embedding model’s vectors now',
  description:
    'Starts what the schedule `maintain-indexes` does each night, for this model alone: its indexes are measured, and ' +
    'built anew, vacuumed or searched more broadly where that shows a need. `GET /maintenance-reports` says what was ' +
    'seen, decided and done. Where it is under way already, nothing is started.',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 202: maintenanceStartedSchema },
  handle: async ({ params, principal }, deps) => {
    const model = { workspaceId: principal.workspaceId, modelId: params.id };
    await deps.database.inWorkspace(model.workspaceId, (em) => present(em, model.modelId));
    const started = await deps.starter.startMaintenance(model);
    return { status: 202, body: { started, workflow_id: workflowIds.maintainIndex(model.modelId) } };
  },
});

const cancel = defineRoute({
  method: 'POST',
  path: '/models/{id}/vector-index/maintain/cancel',
  tag: 'Models',
  summary: 'Stop what looks after the indexes of an embedding model’s vectors',
  description:
    'What is under way in the database is ended and what is half built is dropped; the index that serves stays as it is. ' +
    'Answers with the state as it is.',
  scope: 'configuration:write',
  params: idParamsSchema,
  responses: { 202: vectorIndexStateSchema },
  transaction: async (em, { params }) => ({ status: 202, body: await present(em, params.id) }),
  afterCommit: async (_reply, { params, principal }, deps) => {
    await deps.starter.cancelMaintenance({ workspaceId: principal.workspaceId, modelId: params.id });
  },
});

async function present(em: EntityManager, modelId: string): Promise<z.input<typeof vectorIndexStateSchema>> {
  const state = await readVectorIndexes(em, modelId);
  if (!state) throw notFound('embedding model');
  return {
    wanted: vectorIndexSchema.parse(state.settings),
    rows: Math.round(state.rows),
    busy: state.isBusy || state.isHeld,
    indexes: state.built.map(({ name, kind, metric, isValid, parameters, bytes, rows, rowsAfter }) => ({
      name,
      kind,
      metric,
      valid: isValid,
      parameters,
      bytes,
      rows: Math.round(rows),
      rows_after: rowsAfter,
    })),
  };
}

/** Routes about the indexes of embedding models. */
export const vectorIndexRoutes = [show, change, maintain, cancel];
