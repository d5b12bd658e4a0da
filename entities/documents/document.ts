import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { documentTypes } from '../../contracts/names/document-types.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A document; what is served of it is its active generation. */
export const Document = defineEntity({
  name: 'Document',
  tableName: 'documents',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    knowledgeSourceId: p.uuid().nullable(),
    userId: p.uuid().nullable(),
    title: p.text(),
    documentType: p.enum([...documentTypes]),
    sourceUrl: p.text().nullable(),
    sourcePath: p.text().nullable(),
    author: p.text().nullable(),
    isGlobal: p.boolean().default(false),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    status: p.enum(['accepted', 'processing', 'ready', 'failed', 'cancelled']).default('accepted'),
    error: p.json<{ code: string; message: string; hint: string }>().nullable(),
    latestGeneration: p.integer().default(0),
    activeGeneration: p.integer().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    {
      name: 'documents_source_path_key',
      properties: ['workspaceId', 'knowledgeSourceId', 'sourcePath'],
      expression:
        'create unique index documents_source_path_key on documents (workspace_id, knowledge_source_id, source_path) nulls not distinct where source_path is not null and deleted_at is null',
    },
    { name: 'documents_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    {
      name: 'documents_created_at_idx',
      properties: ['workspaceId', 'createdAt'],
      columns: [{ name: 'workspaceId' }, { name: 'createdAt', sort: 'DESC' }],
    },
    { name: 'documents_is_global_idx', properties: ['workspaceId', 'isGlobal'] },
    { name: 'documents_knowledge_source_id_idx', properties: ['workspaceId', 'knowledgeSourceId'] },
    {
      name: 'documents_source_error_idx',
      properties: ['workspaceId', 'knowledgeSourceId'],
      where: '(error IS NOT NULL) AND (deleted_at IS NULL)',
    },
    {
      name: 'documents_source_status_idx',
      properties: ['workspaceId', 'knowledgeSourceId', 'status'],
      where: 'deleted_at IS NULL',
    },
    {
      name: 'documents_metadata_idx',
      properties: ['metadata'],
      expression: 'create index documents_metadata_idx on documents using gin (metadata jsonb_path_ops)',
    },
    {
      name: 'documents_unfinished_idx',
      properties: ['updatedAt'],
      where: "status = ANY (ARRAY['accepted'::text, 'processing'::text])",
    },
    { name: 'documents_user_id_idx', properties: ['workspaceId', 'userId'] },
  ],
  checks: [
    { name: 'documents_active_generation_check', expression: 'active_generation > 0' },
    { name: 'documents_check', expression: 'active_generation <= latest_generation' },
    { name: 'documents_check1', expression: '(deleted_at IS NULL) OR (active_generation IS NULL)' },
    { name: 'documents_latest_generation_check', expression: 'latest_generation >= 0' },
  ],
  policies: workspacePolicies,
});

export type Document = InferEntity<typeof Document>;
