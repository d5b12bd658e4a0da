import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** When a run may make its next call (key `calls`), and since when what it calls (key: a model's id) fails. */
export const EvaluationPace = defineEntity({
  name: 'EvaluationPace',
  tableName: 'evaluation_pacing',
  properties: {
    evaluationId: p.uuid().primary(),
    key: p.text().primary(),
    workspaceId: p.uuid(),
    nextAt: p.datetime(6).nullable(),
    faultySince: p.datetime(6).nullable(),
    createdAt: createdAt(),
  },
  policies: workspacePolicies,
});

export type EvaluationPace = InferEntity<typeof EvaluationPace>;
