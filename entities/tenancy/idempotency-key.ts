import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A request that was made once under its key, and the response that a repetition gets. */
export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_keys',
  properties: {
    workspaceId: p.uuid().primary(),
    key: p.string().length(255).primary(),
    method: p.text(),
    path: p.text(),
    requestHash: p.blob(),
    responseStatus: p.integer().nullable(),
    responseBody: p.json<unknown>().nullable(),
    createdAt: createdAt(),
    completedAt: p.datetime(6).nullable(),
  },
  indexes: [{ name: 'idempotency_keys_created_at_idx', properties: ['createdAt'] }],
  policies: workspacePolicies,
});

export type IdempotencyKey = InferEntity<typeof IdempotencyKey>;
