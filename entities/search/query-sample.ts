import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One of the vectors that were last searched for with a model: vectors alone, no words, to measure its indexes with. */
export const QuerySample = defineEntity({
  name: 'QuerySample',
  tableName: 'query_samples',
  properties: {
    workspaceId: p.uuid().primary(),
    modelId: p.uuid().primary(),
    slot: p.integer().primary(),
    embedding: p.text().lazy().columnType('vector'),
    createdAt: createdAt(),
  },
  checks: [{ name: 'query_samples_slot_check', expression: '(slot >= 0) AND (slot <= 127)' }],
  policies: workspacePolicies,
});

export type QuerySample = InferEntity<typeof QuerySample>;
