import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * One case, in the versions from `firstVersion` to `lastVersion` (null: the newest has it). Its key names it across
 * versions; a changed case is a new row.
 */
export const EvaluationCase = defineEntity({
  name: 'EvaluationCase',
  tableName: 'evaluation_cases',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    datasetId: p.uuid(),
    caseKey: p.text(),
    position: p.integer(),
    state: p.enum(['accepted', 'proposed', 'rejected']).default('accepted'),
    firstVersion: p.integer().nullable(),
    lastVersion: p.integer().nullable(),
    input: p.json<Record<string, unknown>>(),
    expectedAnswer: p.text().nullable(),
    expectedDocuments: p.json<unknown[]>().defaultRaw(`'[]'`),
    expectedChunks: p.json<unknown[]>().defaultRaw(`'[]'`),
    expectedToolCalls: p.json<unknown[]>().nullable(),
    isUnanswerable: p.boolean().default(false),
    tags: p.array().defaultRaw(`'{}'`),
    metadata: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    contentHash: p.text(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [
    { name: 'evaluation_cases_workspace_id_id_key', properties: ['workspaceId', 'id'] },
    {
      name: 'evaluation_cases_key_key',
      properties: ['datasetId', 'caseKey'],
      where: "(state = 'accepted'::text) AND (last_version IS NULL)",
    },
  ],
  indexes: [{ name: 'evaluation_cases_dataset_id_idx', properties: ['datasetId', 'position'] }],
  checks: [
    { name: 'evaluation_cases_case_key_check', expression: `case_key <> ''::text` },
    { name: 'evaluation_cases_check', expression: 'last_version >= first_version' },
    { name: 'evaluation_cases_check1', expression: `(state = 'accepted'::text) = (first_version IS NOT NULL)` },
    { name: 'evaluation_cases_expected_chunks_check', expression: `jsonb_typeof(expected_chunks) = 'array'::text` },
    {
      name: 'evaluation_cases_expected_documents_check',
      expression: `jsonb_typeof(expected_documents) = 'array'::text`,
    },
    {
      name: 'evaluation_cases_expected_tool_calls_check',
      expression: `jsonb_typeof(expected_tool_calls) = 'array'::text`,
    },
    { name: 'evaluation_cases_first_version_check', expression: 'first_version > 0' },
    { name: 'evaluation_cases_input_check', expression: `jsonb_typeof(input) = 'object'::text` },
    { name: 'evaluation_cases_position_check', expression: '"position" >= 0' },
  ],
  policies: workspacePolicies,
});

export type EvaluationCase = InferEntity<typeof EvaluationCase>;
