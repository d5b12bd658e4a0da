import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * Embeds what RAG tools read with another model, and lets them search by it once all is there: the tools of a source, or
 * one tool (`ragToolId`) that reads that source, or everything.
 */
export const EmbeddingMove = defineEntity({
  name: 'EmbeddingMove',
  tableName: 'embedding_moves',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    knowledgeSourceId: p.uuid().nullable(),
    ragToolId: p.uuid().nullable(),
    modelId: p.uuid(),
    state: p.enum(['accepted', 'running', 'completed', 'failed', 'cancelled']).default('accepted'),
    totalDocuments: p.integer().default(0),
    doneDocuments: p.integer().default(0),
    /** Documents up to this id are done in this pass. */
    afterDocumentId: p.uuid().nullable(),
    passes: p.integer().default(0),
    /** Whether the vectors that nothing reads any more are gone. */
    isCleared: p.boolean().default(false),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
  },
  uniques: [
    {
      name: 'embedding_moves_source_key',
      properties: ['knowledgeSourceId'],
      where: "(rag_tool_id IS NULL) AND (state = ANY (ARRAY['accepted'::text, 'running'::text]))",
    },
    {
      name: 'embedding_moves_tool_key',
      properties: ['ragToolId'],
      where: "state = ANY (ARRAY['accepted'::text, 'running'::text])",
    },
  ],
  indexes: [
    { name: 'embedding_moves_source_idx', properties: ['workspaceId', 'knowledgeSourceId'] },
    { name: 'embedding_moves_tool_idx', properties: ['workspaceId', 'ragToolId'] },
    { name: 'embedding_moves_model_idx', properties: ['workspaceId', 'modelId'] },
    {
      name: 'embedding_moves_unfinished_idx',
      properties: ['updatedAt'],
      where: "(state = ANY (ARRAY['accepted'::text, 'running'::text])) OR (NOT is_cleared)",
    },
  ],
  checks: [
    ...['total_documents', 'done_documents', 'passes'].map((column) => ({
      name: `embedding_moves_${column}_check`,
      expression: `${column} >= 0`,
    })),
    { name: 'embedding_moves_check', expression: '(knowledge_source_id IS NOT NULL) OR (rag_tool_id IS NOT NULL)' },
  ],
  policies: workspacePolicies,
});

export type EmbeddingMove = InferEntity<typeof EmbeddingMove>;
