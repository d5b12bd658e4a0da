import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A chat or embedding model at a provider; its key is sealed. */
export const Model = defineEntity({
  name: 'Model',
  tableName: 'models',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    kind: p.enum(['chat', 'embedding']),
    provider: p.text(),
    modelId: p.text(),
    endpoint: p.text().nullable(),
    apiKey: p.text().nullable(),
    pricing: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    capabilities: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    dimensions: p.integer().nullable(),
    /** Of an embedding model: what differs from the usual index of its vectors. */
    vectorIndex: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    isActive: p.boolean().default(true),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'models_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'models_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [
    { name: 'models_api_key_check', expression: `api_key ~~ 'sealed:%'::text` },
    { name: 'models_check', expression: `(kind = 'embedding'::text) = (dimensions IS NOT NULL)` },
    { name: 'models_dimensions_check', expression: '(dimensions >= 1) AND (dimensions <= 4000)' },
    { name: 'models_name_check', expression: `name <> ''::text` },
    { name: 'models_provider_check', expression: `provider <> ''::text` },
  ],
  policies: workspacePolicies,
});

export type Model = InferEntity<typeof Model>;
