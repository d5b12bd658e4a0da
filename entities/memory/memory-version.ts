import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { MemoryFact } from '../../contracts/names/memory-fact.ts';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A memory as it was with one version, and how that came to be. */
export const MemoryVersion = defineEntity({
  name: 'MemoryVersion',
  tableName: 'memory_versions',
  properties: {
    userId: p.uuid().primary(),
    version: p.integer().primary(),
    workspaceId: p.uuid(),
    memory: p.text(),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    facts: p.json<MemoryFact[]>().defaultRaw(`'[]'`),
    tokenCount: p.integer(),
    origin: p.enum(['written', 'learned', 'condensed', 'cut', 'rolled_back']),
    detail: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'memory_versions_detail_check', expression: `jsonb_typeof(detail) = 'object'::text` },
    { name: 'memory_versions_facts_check', expression: `jsonb_typeof(facts) = 'array'::text` },
    { name: 'memory_versions_metadata_check', expression: `jsonb_typeof(metadata) = 'object'::text` },
    { name: 'memory_versions_token_count_check', expression: 'token_count >= 0' },
    { name: 'memory_versions_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type MemoryVersion = InferEntity<typeof MemoryVersion>;
