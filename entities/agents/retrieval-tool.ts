import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A search over a source with a strategy and filters. */
export const RetrievalTool = defineEntity({
  name: 'RetrievalTool',
  tableName: 'retrieval_tools',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    knowledgeSourceId: p.uuid().nullable(),
    retrievalStrategy: p.enum(['hybrid', 'vector', 'text']).default('hybrid'),
    filters: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'retrieval_tools_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'retrieval_tools_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [{ name: 'retrieval_tools_knowledge_source_id_idx', properties: ['workspaceId', 'knowledgeSourceId'] }],
  checks: [{ name: 'retrieval_tools_name_check', expression: `name <> ''::text` }],
  policies: workspacePolicies,
});

export type RetrievalTool = InferEntity<typeof RetrievalTool>;
