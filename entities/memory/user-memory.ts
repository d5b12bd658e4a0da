import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { MemoryFact } from '../../contracts/names/memory-fact.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What is remembered about a user: one row each, the newest of its versions. */
export const UserMemory = defineEntity({
  name: 'UserMemory',
  tableName: 'user_memories',
  properties: {
    userId: p.uuid().primary(),
    workspaceId: p.uuid(),
    memory: p.text().default(''),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    /** What is known of the lines of the text; a line without an entry is older than all that have one. */
    facts: p.json<MemoryFact[]>().defaultRaw(`'[]'`),
    version: p.integer().default(1),
    tokenCount: p.integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'user_memories_facts_check', expression: `jsonb_typeof(facts) = 'array'::text` },
    { name: 'user_memories_token_count_check', expression: 'token_count >= 0' },
    { name: 'user_memories_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type UserMemory = InferEntity<typeof UserMemory>;
