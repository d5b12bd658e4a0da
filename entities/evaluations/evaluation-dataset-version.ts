import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** One version of a data set: the hash of its cases in their order, and where the change came from. */
export const EvaluationDatasetVersion = defineEntity({
  name: 'EvaluationDatasetVersion',
  tableName: 'evaluation_dataset_versions',
  properties: {
    datasetId: p.uuid().primary(),
    version: p.integer().primary(),
    workspaceId: p.uuid(),
    contentHash: p.text(),
    caseCount: p.integer(),
    origin: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'evaluation_dataset_versions_case_count_check', expression: 'case_count >= 0' },
    { name: 'evaluation_dataset_versions_version_check', expression: 'version > 0' },
  ],
  policies: workspacePolicies,
});

export type EvaluationDatasetVersion = InferEntity<typeof EvaluationDatasetVersion>;
