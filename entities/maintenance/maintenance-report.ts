import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/** What one run of a maintenance task saw, decided and did; without a workspace it is about the whole server. */
export const MaintenanceReport = defineEntity({
  name: 'MaintenanceReport',
  tableName: 'maintenance_reports',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid().nullable(),
    task: p.text(),
    /** What the run looked at where it looks at several things, such as the id of a model; empty otherwise. */
    subject: p.text().default(''),
    /** The schedule that started the run; null for one that was started otherwise. */
    schedule: p.text().nullable(),
    workflowId: p.text(),
    runId: p.text(),
    state: p.enum(['running', 'done', 'failed']),
    saw: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    decided: p.text().default(''),
    reason: p.text().default(''),
    did: p.json<Record<string, unknown>>().defaultRaw(`'{}'`),
    error: p.json<{ code: string; detail: string }>().nullable(),
    startedAt: p.datetime(6).defaultRaw('now()'),
    updatedAt: updatedAt(),
    finishedAt: p.datetime(6).nullable(),
  },
  uniques: [
    {
      name: 'maintenance_reports_workflow_id_run_id_task_subject_key',
      properties: ['workflowId', 'runId', 'task', 'subject'],
    },
  ],
  indexes: [
    { name: 'maintenance_reports_workspace_id_started_at_idx', properties: ['workspaceId', 'startedAt'] },
    { name: 'maintenance_reports_started_at_idx', properties: ['startedAt'] },
  ],
  checks: [
    { name: 'maintenance_reports_did_check', expression: `jsonb_typeof(did) = 'object'::text` },
    { name: 'maintenance_reports_error_check', expression: `(state = 'failed'::text) = (error IS NOT NULL)` },
    { name: 'maintenance_reports_finished_check', expression: `(state = 'running'::text) = (finished_at IS NULL)` },
    { name: 'maintenance_reports_saw_check', expression: `jsonb_typeof(saw) = 'object'::text` },
    { name: 'maintenance_reports_task_check', expression: `task <> ''::text` },
  ],
  policies: workspacePolicies,
});

export type MaintenanceReport = InferEntity<typeof MaintenanceReport>;
