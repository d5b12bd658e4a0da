import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** Where documents come from; its connection string is sealed. */
export const KnowledgeSource = defineEntity({
  name: 'KnowledgeSource',
  tableName: 'knowledge_sources',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    type: p.enum(['upload', 'file', 'web', 'api', 'database', 'vector_store']),
    connectionString: p.text().nullable(),
    language: p.text().nullable(),
    configuration: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    status: p.enum(['ready', 'syncing', 'degraded', 'failed', 'paused']).default('ready'),
    lastSync: p.datetime(6).nullable(),
    /** The schedule that Temporal is known to have; the sweep brings the two together again. */
    appliedSchedule: p.json<Record<string, unknown>>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'knowledge_sources_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'knowledge_sources_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [{ name: 'knowledge_sources_type_idx', properties: ['type'] }],
  checks: [
    { name: 'knowledge_sources_connection_string_check', expression: `connection_string ~~ 'sealed:%'::text` },
    { name: 'knowledge_sources_language_check', expression: `language ~ '^[a-z]{2,3}$'::text` },
    { name: 'knowledge_sources_name_check', expression: `name <> ''::text` },
  ],
  policies: workspacePolicies,
});

export type KnowledgeSource = InferEntity<typeof KnowledgeSource>;
