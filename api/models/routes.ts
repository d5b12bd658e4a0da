import { createModelSchema, modelSchema, updateModelSchema } from '../../contracts/model.ts';
import { Agent, EmbeddingMove, Model, RagTool } from '../../entities/index.ts';
import {
  closeModelCircuit,
  readModelCircuits,
  type ModelCircuitState,
} from '../../entities/usage/model-circuit-repository.ts';
import { readAgentsFallingBackTo } from '../../entities/agents/agent-version-repository.ts';
import { registerEmbeddingModel } from '../../entities/agents/embedding-model-registration.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { presentTime } from '../framework/present-time.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';

/** Routes of models. A key that is given is sealed at once and never shown; only its presence is. */
export const modelRoutes = resourceRoutes({
  path: '/models',
  tag: 'Models',
  noun: 'model',
  entity: Model,
  schema: modelSchema,
  createSchema: createModelSchema,
  updateSchema: updateModelSchema,
  examples: {
    create: {
      name: 'gpt-5-mini',
      kind: 'chat',
      provider: 'openai',
      model_id: 'gpt-5-mini',
      api_key: 'sk-…',
      pricing: { currency: 'USD', input_per_million: '0.25', output_per_million: '2.00' },
    },
    update: { is_active: false },
  },
  present: async (rows, em) => {
    const circuits = await readModelCircuits(
      em,
      rows.map(({ id }) => id),
    );
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      kind: row.kind,
      provider: row.provider,
      model_id: row.modelId,
      endpoint: row.endpoint ?? null,
      has_api_key: row.apiKey != null,
      pricing: row.pricing,
      capabilities: row.capabilities,
      dimensions: row.dimensions ?? null,
      is_active: row.isActive,
      circuit: presentCircuit(circuits.get(row.id)),
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    }));
  },
  create: async (body, { em, deps, principal }) => {
    requireCallable(body);
    const model = em.create(Model, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      kind: body.kind,
      provider: body.provider,
      modelId: body.model_id,
      endpoint: body.endpoint,
      apiKey: body.api_key === null ? null : deps.seal(body.api_key),
      pricing: body.pricing,
      capabilities: body.capabilities,
      dimensions: body.dimensions,
      vectorIndex: body.vector_index ?? {},
      isActive: body.is_active,
    });
    await em.flush();
    if (model.kind === 'embedding') await registerEmbeddingModel(em, model.id);
    return model;
  },
  update: async (row, body, { em, deps, principal }) => {
    // With another key or address the model gets another chance at once.
    await closeModelCircuit(em, { workspaceId: principal.workspaceId, modelId: row.id });
    const { api_key: key, ...rest } = body;
    em.assign(
      row,
      given({
        name: rest.name,
        modelId: rest.model_id,
        endpoint: rest.endpoint,
        pricing: rest.pricing,
        capabilities: rest.capabilities,
        isActive: rest.is_active,
        apiKey: key === undefined || key === null ? key : deps.seal(key),
      }),
      // Objects are replaced as a whole: what a caller leaves out of one is meant to go.
      { mergeObjectProperties: false },
    );
  },
  usedBy: async (row, em) => {
    const agent = await em.findOne(Agent, { modelId: row.id, deletedAt: null });
    if (agent) return `the agent "${agent.name}"`;
    const [fallback] = await readAgentsFallingBackTo(em, row.id);
    if (fallback) return `the agent "${fallback.name}", which falls back to it`;
    const tool = await em.findOne(RagTool, { embeddingModelId: row.id, deletedAt: null });
    if (tool) return `the RAG tool "${tool.name}"`;
    const move = await em.findOne(EmbeddingMove, { modelId: row.id, state: { $in: ['accepted', 'running'] } });
    return move && 'a move of documents to it, which is under way';
  },
});

function presentCircuit(circuit: ModelCircuitState | undefined) {
  return {
    state: circuit?.state ?? ('closed' as const),
    failures: circuit?.failures ?? 0,
    open_until: circuit?.openUntil ? presentTime(circuit.openUntil) : null,
    last_code: circuit?.lastCode ?? null,
  };
}

/** Refuses at once what no later call could make work. */
function requireCallable(body: { kind: string; provider: string; dimensions: number | null }): void {
  const wrong =
    body.provider === 'local' && (body.kind !== 'embedding' || body.dimensions !== 384)
      ? 'the local provider has one embedding model with 384 dimensions'
      : body.provider === 'extractive' && body.kind !== 'chat'
        ? 'the extractive provider has a chat model only'
        : null;
  if (wrong)
    throw new PerdureError('bad_request', `body.provider: ${wrong}`, {
      errors: [{ path: 'body.provider', message: wrong }],
    });
}
