import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What full text search knows of a chunk: its length in words, its terms' keys and their frequencies. */
export const ChunkTerms = defineEntity({
  name: 'ChunkTerms',
  tableName: 'chunk_terms',
  properties: {
    workspaceId: p.uuid().primary(),
    documentId: p.uuid().primary(),
    generation: p.integer().primary(),
    chunkIndex: p.integer().primary(),
    length: p.integer(),
    keys: p.array().columnType('bigint[]'),
    frequencies: p.array<number>().columnType('smallint[]'),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'chunk_terms_keys_idx', properties: ['keys'], type: 'gin' }],
  checks: [{ name: 'chunk_terms_length_check', expression: 'length >= 0' }],
  policies: workspacePolicies,
});

export type ChunkTerms = InferEntity<typeof ChunkTerms>;
