import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { ProposalConfiguration } from '../../contracts/names/evaluation-plan.ts';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** A request that a model propose cases for a data set; how far it is follows from its passages. */
export const CaseProposal = defineEntity({
  name: 'CaseProposal',
  tableName: 'case_proposals',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    datasetId: p.uuid(),
    status: p.enum(['queued', 'running', 'completed', 'failed', 'cancelled']).default('queued'),
    configuration: p.json<ProposalConfiguration>(),
    restarts: p.integer().default(0),
    /** Since when its model fails. */
    faultySince: p.datetime(6).nullable(),
    error: p.json<{ code: string; detail: string }>().nullable(),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
    completedAt: p.datetime(6).nullable(),
  },
  uniques: [{ name: 'case_proposals_workspace_id_id_key', properties: ['workspaceId', 'id'] }],
  indexes: [
    { name: 'case_proposals_dataset_id_idx', properties: ['workspaceId', 'datasetId'] },
    {
      name: 'case_proposals_unfinished_idx',
      properties: ['updatedAt'],
      where: "status = ANY (ARRAY['queued'::text, 'running'::text])",
    },
  ],
  checks: [{ name: 'case_proposals_restarts_check', expression: 'restarts >= 0' }],
  policies: workspacePolicies,
});

export type CaseProposal = InferEntity<typeof CaseProposal>;
