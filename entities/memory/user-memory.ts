import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What is remembered about a user: one row each. */
export const UserMemory = defineEntity({
  name: 'UserMemory',
  tableName: 'user_memories',
  properties: {
    userId: p.uuid().primary(),
    workspaceId: p.uuid(),
    memory: p.text().default(''),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  policies: workspacePolicies,
});

export type UserMemory = InferEntity<typeof UserMemory>;
