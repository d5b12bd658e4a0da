import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** Usage of an hour or a day (UTC) by what called which model for whom; its id is a hash of all of that. */
export const UsageTotal = defineEntity({
  name: 'UsageTotal',
  tableName: 'usage_totals',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    grain: p.enum(['hour', 'day']),
    startsAt: p.datetime(6),
    entityType: p.enum(['agent', 'rag_tool', 'retrieval_tool', 'document', 'evaluation', 'memory']),
    modelId: p.uuid(),
    agentId: p.uuid().nullable(),
    toolId: p.uuid().nullable(),
    userId: p.uuid().nullable(),
    currency: p.character().length(3).nullable(),
    calls: p.integer(),
    unknownCalls: p.integer(),
    promptTokens: p.bigint('number'),
    completionTokens: p.bigint('number'),
    totalTokens: p.bigint('number'),
    cost: p.decimal().precision(24).scale(10).nullable(),
    createdAt: createdAt(),
  },
  indexes: [
    { name: 'usage_totals_workspace_id_grain_starts_at_idx', properties: ['workspaceId', 'grain', 'startsAt'] },
  ],
  checks: [
    { name: 'usage_totals_calls_check', expression: 'calls > 0' },
    { name: 'usage_totals_completion_tokens_check', expression: 'completion_tokens >= 0' },
    { name: 'usage_totals_cost_check', expression: 'cost >= (0)::numeric' },
    { name: 'usage_totals_cost_currency_check', expression: '(cost IS NULL) = (currency IS NULL)' },
    { name: 'usage_totals_prompt_tokens_check', expression: 'prompt_tokens >= 0' },
    { name: 'usage_totals_total_tokens_check', expression: 'total_tokens >= 0' },
    { name: 'usage_totals_unknown_calls_check', expression: 'unknown_calls >= 0' },
  ],
  policies: workspacePolicies,
});

export type UsageTotal = InferEntity<typeof UsageTotal>;
