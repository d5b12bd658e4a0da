import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What one generation added to the statistics when it was published (`change` 1), or took when it ceased (-1). */
export const TermStatisticsDelta = defineEntity({
  name: 'TermStatisticsDelta',
  tableName: 'term_statistics_deltas',
  properties: {
    id: p.bigint('string').primary().generated('identity'),
    workspaceId: p.uuid(),
    language: p.text(),
    change: p.integer(),
    chunks: p.integer(),
    terms: p.bigint('number'),
    keys: p.array().columnType('bigint[]'),
    counts: p.array<number>().columnType('integer[]'),
    createdAt: createdAt(),
  },
  indexes: [{ name: 'term_statistics_deltas_workspace_id_idx', properties: ['workspaceId'] }],
  checks: [
    { name: 'term_statistics_deltas_change_check', expression: 'abs(change) = 1' },
    { name: 'term_statistics_deltas_chunks_check', expression: 'chunks >= 0' },
    { name: 'term_statistics_deltas_terms_check', expression: 'terms >= 0' },
  ],
  policies: workspacePolicies,
});

export type TermStatisticsDelta = InferEntity<typeof TermStatisticsDelta>;
