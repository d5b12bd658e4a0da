import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One part, of at most 1 MB, of the compressed history of a workflow run, which Temporal forgets after its retention. */
export const EvaluationHistory = defineEntity({
  name: 'EvaluationHistory',
  tableName: 'evaluation_histories',
  properties: {
    evaluationId: p.uuid().primary(),
    runId: p.text().primary(),
    part: p.integer().primary(),
    workspaceId: p.uuid(),
    data: p.blob(),
    createdAt: createdAt(),
  },
  checks: [{ name: 'evaluation_histories_part_check', expression: 'part >= 0' }],
  policies: workspacePolicies,
});

export type EvaluationHistory = InferEntity<typeof EvaluationHistory>;
