import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One run that measures a target, in all its variants, on one version of a data set. */
export const Evaluation = defineEntity({
  name: 'Evaluation',
  tableName: 'evaluations',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    type: p.enum(['agent', 'rag_tool', 'retrieval_tool', 'prompt_template', 'endpoint']),
    targetId: p.uuid().nullable(),
    /** Cases that came with the request; a data set is made of them. */
    testCases: p.json<Array<Record<string, unknown>>>().defaultRaw(`'[]'`),
    /** A summary of each variant. */
    results: p.json<Array<Record<string, unknown>>>().defaultRaw(`'[]'`),
    /** Aggregates by metric and variant. */
    metrics: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    status: p.enum(['queued', 'running', 'completed', 'failed', 'cancelled']).default('queued'),
    datasetId: p.uuid().nullable(),
    datasetVersion: p.integer().nullable(),
    datasetHash: p.text().nullable(),
    configuration: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    /** What is measured, as it was when the run was asked for, with versions. */
    target: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    baselineId: p.uuid().nullable(),
    rerunOf: p.uuid().nullable(),
    reuse: p.boolean().default(false),
    gitRevision: p.text().nullable(),
    verdict: p.enum(['passed', 'failed', 'incomplete']).nullable(),
    verdictReasons: p.json<unknown[]>().defaultRaw(`'[]'`),
    runId: p.text().nullable(),
    restarts: p.integer().default(0),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    startedAt: p.datetime(6).nullable(),
    completedAt: p.datetime(6).nullable(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'evaluations_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'evaluations_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  indexes: [
    { name: 'evaluations_target_idx', properties: ['workspaceId', 'type', 'targetId'] },
    { name: 'evaluations_dataset_id_idx', properties: ['workspaceId', 'datasetId'] },
    { name: 'evaluations_baseline_id_idx', properties: ['workspaceId', 'baselineId'] },
    { name: 'evaluations_rerun_of_idx', properties: ['workspaceId', 'rerunOf'] },
    {
      name: 'evaluations_unfinished_idx',
      properties: ['updatedAt'],
      where: "(status = ANY (ARRAY['queued'::text, 'running'::text])) AND (dataset_id IS NOT NULL)",
    },
  ],
  checks: [
    { name: 'evaluations_name_check', expression: `name <> ''::text` },
    { name: 'evaluations_restarts_check', expression: 'restarts >= 0' },
    { name: 'evaluations_results_check', expression: `jsonb_typeof(results) = 'array'::text` },
    { name: 'evaluations_test_cases_check', expression: `jsonb_typeof(test_cases) = 'array'::text` },
    { name: 'evaluations_verdict_reasons_check', expression: `jsonb_typeof(verdict_reasons) = 'array'::text` },
  ],
  policies: workspacePolicies,
});

export type Evaluation = InferEntity<typeof Evaluation>;
