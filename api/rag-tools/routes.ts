import type { EntityManager } from '@mikro-orm/postgresql';
import { PerdureError } from '../../contracts/errors.ts';
import type { RetrievalParams } from '../../contracts/search.ts';
import { createRagToolSchema, ragToolSchema, updateRagToolSchema } from '../../contracts/rag-tool.ts';
import { Model, RagTool } from '../../entities/index.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { requestMissingVectors } from '../embedding-moves/request-missing-vectors.ts';
import { requireFilter } from '../../retrieval/require-filter.ts';
import { findAgentsWithTool } from '../framework/find-agents-with-tool.ts';
import { presentTime } from '../framework/present-time.ts';
import { requireReference } from '../framework/require-reference.ts';
import { given, resourceRoutes } from '../framework/resource-routes.ts';
import type { ResourceContext } from '../framework/resource-routes.ts';

// The markers that a model adds to each text.
const markerTokens = 2;

/** Routes of RAG tools. */
export const ragToolRoutes = resourceRoutes({
  path: '/rag-tools',
  tag: 'RAG tools',
  noun: 'RAG tool',
  entity: RagTool,
  schema: ragToolSchema,
  createSchema: createRagToolSchema,
  updateSchema: updateRagToolSchema,
  examples: {
    create: { name: 'handbook', embedding_model: 'all-MiniLM-L6-v2', top_k: 8 },
    update: { retrieval_params: { strategy: 'hybrid', fusion: { method: 'rrf' }, max_per_document: 2 } },
  },
  present: async (rows, em) => {
    const models = await em.find(Model, { id: { $in: rows.map((row) => row.embeddingModelId) } });
    const names = new Map(models.map((model) => [model.id, model.name]));
    return rows.map((row) => ({
      id: row.id,
      name: row.name,
      description: row.description,
      knowledge_source_id: row.knowledgeSourceId ?? null,
      embedding_model_id: row.embeddingModelId,
      embedding_model: names.get(row.embeddingModelId) ?? '',
      retrieval_params: row.retrievalParams,
      chunk_size: row.chunkSize,
      chunk_overlap: row.chunkOverlap,
      top_k: row.topK,
      created_at: presentTime(row.createdAt),
      updated_at: presentTime(row.updatedAt),
    }));
  },
  create: async (body, { em, deps, principal }) => {
    const embeddingModelId = await requireEmbeddingModel(em, body.embedding_model);
    await requireFittingSize({ em, deps }, embeddingModelId, body.chunk_size);
    const tool = em.create(RagTool, {
      id: uuidV7(),
      workspaceId: principal.workspaceId,
      name: body.name,
      description: body.description,
      knowledgeSourceId: await sourceOf(em, body.knowledge_source),
      embeddingModelId,
      retrievalParams: await checkedParams(em, body.retrieval_params),
      chunkSize: body.chunk_size,
      chunkOverlap: body.chunk_overlap,
      topK: body.top_k,
    });
    await requestMissingVectors(em, tool);
    return tool;
  },
  update: async (row, body, { em, deps }) => {
    em.assign(
      row,
      given({
        name: body.name,
        description: body.description,
        knowledgeSourceId: body.knowledge_source === undefined ? undefined : await sourceOf(em, body.knowledge_source),
        retrievalParams:
          body.retrieval_params === undefined ? undefined : await checkedParams(em, body.retrieval_params),
        chunkSize: body.chunk_size,
        chunkOverlap: body.chunk_overlap,
        topK: body.top_k,
      }),
      { mergeObjectProperties: false },
    );
    if (body.knowledge_source !== undefined) await requestMissingVectors(em, row);
    if (row.chunkOverlap >= row.chunkSize) throw refuse('body.chunk_overlap', 'must be smaller than chunk_size');
    if (body.chunk_size !== undefined) await requireFittingSize({ em, deps }, row.embeddingModelId, row.chunkSize);
  },
  usedBy: (row, em) => findAgentsWithTool(em, row.id),
});

async function sourceOf(em: EntityManager, nameOrId: string | null): Promise<string | null> {
  return nameOrId === null ? null : requireReference(em, 'knowledge_sources', 'body.knowledge_source', nameOrId);
}

/** The parameters with a filter that can be compiled and chat models that exist. */
async function checkedParams(em: EntityManager, params: RetrievalParams): Promise<RetrievalParams> {
  if (params.filters) requireFilter(params.filters, 'body.retrieval_params.filters');
  for (const field of ['rerank', 'rewrite'] as const) {
    const named = params[field]?.model;
    if (named === undefined) continue;
    const path = `body.retrieval_params.${field}.model`;
    const model = await em.findOneOrFail(Model, { id: await requireReference(em, 'models', path, named) });
    if (model.kind !== 'chat') throw refuse(path, `"${model.name}" is an embedding model, and this needs a chat model`);
  }
  return params;
}

async function requireEmbeddingModel(em: EntityManager, nameOrId: string): Promise<string> {
  const id = await requireReference(em, 'models', 'body.embedding_model', nameOrId);
  const model = await em.findOneOrFail(Model, { id });
  if (model.kind === 'embedding') return id;
  throw refuse('body.embedding_model', `"${model.name}" is a chat model, and a RAG tool needs an embedding model`);
}

/** A chunk that its model cannot read to its end would be found by its beginning alone. */
async function requireFittingSize(
  { em, deps }: Pick<ResourceContext, 'em' | 'deps'>,
  modelId: string,
  chunkSize: number,
): Promise<void> {
  const model = await em.findOneOrFail(Model, { id: modelId });
  const { name, provider, capabilities } = model;
  const largest =
    deps.embeddingModel({
      id: modelId,
      provider,
      model_id: model.modelId,
      endpoint: model.endpoint ?? null,
      api_key: model.apiKey ?? null,
      capabilities,
      dimensions: model.dimensions ?? null,
    }).maxTokens - markerTokens;
  if (chunkSize <= largest) return;
  throw refuse(
    'body.chunk_size',
    `is ${chunkSize}, but "${name}" reads ${largest} tokens of a text: give at most ${largest}`,
  );
}

function refuse(path: string, message: string): PerdureError {
  return new PerdureError('bad_request', `${path}: ${message}`, { errors: [{ path, message }] });
}
