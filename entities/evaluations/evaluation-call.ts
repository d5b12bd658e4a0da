import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * One call that a metric has made. Its answer is kept when it arrives, so that a metric of several calls goes on where it
 * was; its id is that of the row of what it cost.
 */
export const EvaluationCall = defineEntity({
  name: 'EvaluationCall',
  tableName: 'evaluation_calls',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    evaluationId: p.uuid(),
    ordinal: p.integer(),
    metric: p.text(),
    position: p.integer(),
    attempt: p.integer(),
    state: p.enum(['started', 'answered', 'failed']).default('started'),
    request: p.json<Record<string, unknown>>(),
    requestHash: p.text(),
    answer: p.json<unknown>().nullable(),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    settledAt: p.datetime(6).nullable(),
  },
  indexes: [{ name: 'evaluation_calls_item_idx', properties: ['evaluationId', 'ordinal'] }],
  checks: [
    { name: 'evaluation_calls_attempt_check', expression: 'attempt > 0' },
    { name: 'evaluation_calls_position_check', expression: '"position" >= 0' },
  ],
  policies: workspacePolicies,
});

export type EvaluationCall = InferEntity<typeof EvaluationCall>;
