import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A person of a workspace, known by the caller's own `externalId`; made on first sight. */
export const User = defineEntity({
  name: 'User',
  tableName: 'users',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    externalId: p.string().length(255),
    displayName: p.text().nullable(),
    /** Whether conversations teach anything about the user, and whether what is remembered goes into prompts. */
    memoryLearning: p.boolean().default(true),
    memoryRecall: p.boolean().default(true),
    /** Tokens that the memory may have; null leaves it to the configuration. */
    memoryCapTokens: p.integer().nullable(),
    /** The last version that a memory of the user was given. */
    memoryVersion: p.integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [
    { name: 'users_workspace_id_external_id_key', properties: ['workspaceId', 'externalId'] },
    { name: 'users_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [
    { name: 'users_external_id_check', expression: `(external_id)::text <> ''::text` },
    { name: 'users_memory_cap_tokens_check', expression: 'memory_cap_tokens > 0' },
    { name: 'users_memory_version_check', expression: 'memory_version >= 0' },
  ],
  policies: workspacePolicies,
});

export type User = InferEntity<typeof User>;
