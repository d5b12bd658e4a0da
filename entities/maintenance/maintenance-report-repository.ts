import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { uuidV7 } from '../uuid-v7.ts';

/** The run of a workflow that a report is about; `schedule` is the name of the schedule that started it, if one did. */
export type ReportedRun = { workflowId: string; runId: string; schedule: string | null };

/**
 * What maintenance saw (figures), decided (a verb, `nothing` for nothing), why, and did. `workspaceId` null: the whole
 * server; `subject` tells apart what one run reports on several things.
 */
export type MaintenanceFinding = {
  workspaceId?: string | null;
  subject?: string;
  saw: Record<string, unknown>;
  decided: string;
  reason: string;
  did: Record<string, unknown>;
};

/** The state of a report: a finding once it is done, and until then what is known. */
export type ReportState =
  | ({ state: 'running' | 'done' } & MaintenanceFinding)
  | ({ state: 'failed'; error: { code: string; detail: string } } & MaintenanceFinding);

/**
 * Writes the report of a run on a task, for the operator role. The same run, task and subject is the same row: a retry
 * says anew how it went, and its beginning stays.
 */
export async function saveReport(
  em: EntityManager,
  run: ReportedRun,
  task: string,
  report: ReportState & { startedAt: Date },
): Promise<void> {
  await query(
    em,
    `insert into maintenance_reports (id, workspace_id, task, subject, schedule, workflow_id, run_id, state, saw, decided,
       reason, did, error, started_at, finished_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
             case when $8 = 'running' then null else clock_timestamp() end)
     on conflict (workflow_id, run_id, task, subject) do update
     set state = excluded.state, saw = excluded.saw, decided = excluded.decided, reason = excluded.reason,
         did = excluded.did, error = excluded.error, finished_at = excluded.finished_at`,
    [
      uuidV7(),
      report.workspaceId ?? null,
      task,
      report.subject ?? '',
      run.schedule,
      run.workflowId,
      run.runId,
      report.state,
      JSON.stringify(report.saw),
      report.decided,
      report.reason,
      JSON.stringify(report.did),
      report.state === 'failed' ? JSON.stringify(report.error) : null,
      report.startedAt,
    ],
  );
}
