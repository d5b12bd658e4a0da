import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** How a source is chunked, embedded and searched for an agent. */
export const RagTool = defineEntity({
  name: 'RagTool',
  tableName: 'rag_tools',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    knowledgeSourceId: p.uuid().nullable(),
    embeddingModelId: p.uuid(),
    retrievalParams: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    chunkSize: p.integer().default(240),
    chunkOverlap: p.integer().default(32),
    topK: p.integer().default(5),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'rag_tools_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'rag_tools_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'rag_tools_embedding_model_id_idx', properties: ['workspaceId', 'embeddingModelId'] },
    { name: 'rag_tools_knowledge_source_id_idx', properties: ['workspaceId', 'knowledgeSourceId'] },
  ],
  checks: [
    { name: 'rag_tools_check', expression: '(chunk_overlap >= 0) AND (chunk_overlap < chunk_size)' },
    { name: 'rag_tools_chunk_size_check', expression: '(chunk_size >= 16) AND (chunk_size <= 8192)' },
    { name: 'rag_tools_name_check', expression: `name <> ''::text` },
    { name: 'rag_tools_top_k_check', expression: '(top_k >= 1) AND (top_k <= 100)' },
  ],
  policies: workspacePolicies,
});

export type RagTool = InferEntity<typeof RagTool>;
