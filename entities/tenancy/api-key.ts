import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A key to the API, of which only the hash is kept. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    prefix: p.text(),
    keyHash: p.blob(),
    role: p.enum(['admin', 'member', 'viewer']),
    scopes: p.array().defaultRaw(`'{}'`),
    lastUsedAt: p.datetime(6).nullable(),
    expiresAt: p.datetime(6).nullable(),
    revokedAt: p.datetime(6).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [{ name: 'api_keys_key_hash_key', properties: ['keyHash'] }],
  indexes: [{ name: 'api_keys_workspace_id_idx', properties: ['workspaceId'] }],
  policies: workspacePolicies,
});

export type ApiKey = InferEntity<typeof ApiKey>;
