import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** An evaluation of a target: test cases, results and metrics. */
export const Evaluation = defineEntity({
  name: 'Evaluation',
  tableName: 'evaluations',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    type: p.enum(['agent', 'rag_tool', 'retrieval_tool', 'prompt_template', 'endpoint']),
    targetId: p.uuid().nullable(),
    testCases: p.json<Array<Record<string, unknown>>>().defaultRaw(`'[]'`),
    results: p.json<Array<Record<string, unknown>>>().defaultRaw(`'[]'`),
    metrics: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    status: p.enum(['queued', 'running', 'completed', 'failed', 'cancelled']).default('queued'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    completedAt: p.datetime(6).nullable(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'evaluations_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'evaluations_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [{ name: 'evaluations_target_idx', properties: ['workspaceId', 'type', 'targetId'] }],
  checks: [
    { name: 'evaluations_name_check', expression: `name <> ''::text` },
    { name: 'evaluations_results_check', expression: `jsonb_typeof(results) = 'array'::text` },
    { name: 'evaluations_test_cases_check', expression: `jsonb_typeof(test_cases) = 'array'::text` },
  ],
  policies: workspacePolicies,
});

export type Evaluation = InferEntity<typeof Evaluation>;
