import { createModelSchema, modelSchema, updateModelSchema } from '../../contracts/model.ts';
import { endModelRest } from '../../entities/conversations/resting-turn-repository.ts';
import { Agent, EmbeddingMove, Model, RagTool } from '../../entities/index.ts';
import { readAgentsFallingBackTo } from '../../entities/agents/agent-version-repository.ts';
import { registerEmbeddingModel } from '../../entities/agents/embedding-model-registration.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { PerdureError } from '../../contracts/errors.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';
import { presentModels } from './present-models.ts';
import { rouse } from './resume-route.ts';

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
  present: presentModels,
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
    await endModelRest(em, { workspaceId: principal.workspaceId, modelId: row.id });
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
  afterUpdate: (modelId, { deps, principal }) => rouse(deps, { workspaceId: principal.workspaceId, modelId }),
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
