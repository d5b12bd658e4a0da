import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What one metric says of one item; a judge that failed leaves it unscored, which is never 0. */
export const EvaluationResult = defineEntity({
  name: 'EvaluationResult',
  tableName: 'evaluation_results',
  properties: {
    evaluationId: p.uuid().primary(),
    ordinal: p.integer().primary(),
    metric: p.text().primary(),
    workspaceId: p.uuid(),
    state: p.enum(['scored', 'unscored', 'not_applicable']),
    score: p.double().nullable(),
    reason: p.text().nullable(),
    details: p.json<Record<string, unknown>>().nullable(),
    metricHash: p.text(),
    reusedFrom: p.uuid().nullable(),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'evaluation_results_check', expression: `(state = 'scored'::text) = (score IS NOT NULL)` },
    { name: 'evaluation_results_check1', expression: `(state = 'scored'::text) OR (reason IS NOT NULL)` },
  ],
  policies: workspacePolicies,
});

export type EvaluationResult = InferEntity<typeof EvaluationResult>;
