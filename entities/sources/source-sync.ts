import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One run that brings a knowledge source up to date (`full`), or fetches what was named (`items`). */
export const SourceSync = defineEntity({
  name: 'SourceSync',
  tableName: 'source_syncs',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    knowledgeSourceId: p.uuid(),
    jobId: p.uuid().nullable(),
    kind: p.enum(['full', 'items']),
    trigger: p.enum(['request', 'schedule']),
    state: p.enum(['accepted', 'running', 'completed', 'failed', 'cancelled']).default('accepted'),
    allowRemovals: p.boolean().default(false),
    isListed: p.boolean().default(false),
    listedItems: p.integer().default(0),
    unchangedItems: p.integer().default(0),
    acceptedItems: p.integer().default(0),
    failedItems: p.integer().default(0),
    removedDocuments: p.integer().default(0),
    restarts: p.integer().default(0),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'source_syncs_workspace_id_id_key', properties: ['workspaceId', 'id'] },
    {
      name: 'source_syncs_running_key',
      properties: ['knowledgeSourceId'],
      where: "(kind = 'full'::text) AND (state = ANY (ARRAY['accepted'::text, 'running'::text]))",
    },
  ],
  indexes: [
    {
      name: 'source_syncs_source_idx',
      properties: ['workspaceId', 'knowledgeSourceId', 'createdAt'],
      columns: [{ name: 'workspaceId' }, { name: 'knowledgeSourceId' }, { name: 'createdAt', sort: 'DESC' }],
    },
    { name: 'source_syncs_job_id_idx', properties: ['workspaceId', 'jobId'] },
    {
      name: 'source_syncs_unfinished_idx',
      properties: ['updatedAt'],
      where: "state = ANY (ARRAY['accepted'::text, 'running'::text])",
    },
  ],
  checks: ['listed_items', 'unchanged_items', 'accepted_items', 'failed_items', 'removed_documents', 'restarts'].map(
    (column) => ({
      name: `source_syncs_${column}_check`,
      expression: `${column} >= 0`,
    }),
  ),
  policies: workspacePolicies,
});

export type SourceSync = InferEntity<typeof SourceSync>;
