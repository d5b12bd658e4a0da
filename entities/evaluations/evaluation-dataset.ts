import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A named set of cases, in versions; `version` is the newest, 0 before the first. */
export const EvaluationDataset = defineEntity({
  name: 'EvaluationDataset',
  tableName: 'evaluation_datasets',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text().default(''),
    version: p.integer().default(0),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    deletedAt: p.datetime(6).nullable(),
  },
  uniques: [
    { name: 'evaluation_datasets_name_key', properties: ['workspaceId', 'name'], where: 'deleted_at IS NULL' },
    { name: 'evaluation_datasets_workspace_id_id_key', properties: ['workspaceId', 'id'] },
  ],
  checks: [
    { name: 'evaluation_datasets_name_check', expression: `name <> ''::text` },
    { name: 'evaluation_datasets_version_check', expression: 'version >= 0' },
  ],
  policies: workspacePolicies,
});

export type EvaluationDataset = InferEntity<typeof EvaluationDataset>;
