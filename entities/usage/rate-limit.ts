import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * How far ahead the booked calls of a model, and those that were made, have used up its limits, and until when its provider
 * refuses calls.
 */
export const RateLimit = defineEntity({
  name: 'RateLimit',
  tableName: 'rate_limits',
  properties: {
    workspaceId: p.uuid().primary(),
    modelId: p.uuid().primary(),
    requestsPaidUntil: p.datetime(6).nullable(),
    tokensPaidUntil: p.datetime(6).nullable(),
    requestsMadeUntil: p.datetime(6).nullable(),
    tokensMadeUntil: p.datetime(6).nullable(),
    requestsLimit: p.double().nullable(),
    tokensLimit: p.double().nullable(),
    blockedUntil: p.datetime(6).nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  policies: workspacePolicies,
});

export type RateLimit = InferEntity<typeof RateLimit>;
