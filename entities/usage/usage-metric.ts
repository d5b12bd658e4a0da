import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { workspacePolicies } from '../workspace-policies.ts';

/** One paid call: written as `started` before it, settled after it; unknown is null, never 0. */
export const UsageMetric = defineEntity({
  name: 'UsageMetric',
  tableName: 'usage_metrics',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    entityType: p.enum(['agent', 'rag_tool', 'retrieval_tool', 'document', 'evaluation', 'memory']),
    entityId: p.uuid(),
    modelId: p.uuid(),
    turnId: p.uuid().nullable(),
    step: p.integer().nullable(),
    attempt: p.integer().nullable(),
    state: p.enum(['started', 'settled', 'unknown']).default('started'),
    promptTokens: p.integer().nullable(),
    completionTokens: p.integer().nullable(),
    totalTokens: p.integer().nullable(),
    cost: p.decimal().precision(20).scale(10).nullable(),
    currency: p.character().length(3).nullable(),
    pricing: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    timestamp: p.datetime(6).defaultRaw('now()'),
    settledAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'usage_metrics_turn_id_step_attempt_key', properties: ['turnId', 'step', 'attempt'] }],
  indexes: [
    { name: 'usage_metrics_entity_idx', properties: ['workspaceId', 'entityType', 'entityId', 'timestamp'] },
    { name: 'usage_metrics_model_id_idx', properties: ['workspaceId', 'modelId'] },
    { name: 'usage_metrics_timestamp_idx', properties: ['timestamp'] },
  ],
  checks: [
    { name: 'usage_metrics_check', expression: '(cost IS NULL) = (currency IS NULL)' },
    { name: 'usage_metrics_completion_tokens_check', expression: 'completion_tokens >= 0' },
    { name: 'usage_metrics_cost_check', expression: 'cost >= (0)::numeric' },
    { name: 'usage_metrics_prompt_tokens_check', expression: 'prompt_tokens >= 0' },
    { name: 'usage_metrics_total_tokens_check', expression: 'total_tokens >= 0' },
  ],
  policies: workspacePolicies,
});

export type UsageMetric = InferEntity<typeof UsageMetric>;
