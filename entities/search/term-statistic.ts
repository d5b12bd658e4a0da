import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** How many active documents and chunks have a term, but for the deltas that are not folded into it yet. */
export const TermStatistic = defineEntity({
  name: 'TermStatistic',
  tableName: 'term_statistics',
  properties: {
    workspaceId: p.uuid().primary(),
    key: p.bigint('string').primary(),
    documents: p.integer(),
    chunks: p.integer(),
    createdAt: createdAt(),
  },
  policies: workspacePolicies,
});

export type TermStatistic = InferEntity<typeof TermStatistic>;
