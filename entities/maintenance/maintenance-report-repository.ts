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

/** A report as it is shown; one about the whole server belongs to no workspace. */
export type StoredReport = {
  id: string;
  isOfServer: boolean;
  task: string;
  subject: string;
  schedule: string | null;
  state: 'running' | 'done' | 'failed';
  saw: Record<string, unknown>;
  decided: string;
  reason: string;
  did: Record<string, unknown>;
  error: { code: string; detail: string } | null;
  workflowId: string;
  runId: string;
  startedAt: Date;
  finishedAt: Date | null;
};

/** Which reports are asked for; null does not narrow. */
export type ReportFilter = {
  task: string | null;
  schedule: string | null;
  state: StoredReport['state'] | null;
  workflowId: string | null;
  beforeId: string | null;
  limit: number;
};

/**
 * Reads reports of a workspace, newest first, and those about the whole server with them where `withServer` is set, which
 * the operator role alone can see.
 */
export async function listReports(
  em: EntityManager,
  scope: { workspaceId: string; withServer: boolean },
  filter: ReportFilter,
): Promise<StoredReport[]> {
  return query<StoredReport>(
    em,
    `select id, workspace_id is null as "isOfServer", task, subject, schedule, state, saw, decided, reason, did, error,
            workflow_id as "workflowId", run_id as "runId", started_at as "startedAt", finished_at as "finishedAt"
     from maintenance_reports
     where (workspace_id = $1 or $2 and workspace_id is null) and ($3::text is null or task = $3)
       and ($4::text is null or schedule = $4) and ($5::text is null or state = $5)
       and ($6::text is null or workflow_id = $6) and ($7::uuid is null or id < $7)
     order by id desc limit $8`,
    [
      scope.workspaceId,
      scope.withServer,
      filter.task,
      filter.schedule,
      filter.state,
      filter.workflowId,
      filter.beforeId,
      filter.limit,
    ],
  );
}

/** Reports of runs that have said nothing for a while and may have died, for the operator role. */
export async function findSilentReports(
  em: EntityManager,
  limit: number,
): Promise<{ id: string; workflowId: string; runId: string }[]> {
  return query(
    em,
    `select id, workflow_id as "workflowId", run_id as "runId" from maintenance_reports
     where state = 'running' and updated_at < now() - interval '10 minutes' order by updated_at limit $1`,
    [limit],
  );
}

/** Notes that the run of a report ended without saying how. */
export async function endSilentReport(em: EntityManager, id: string): Promise<void> {
  const detail = "The run ended before it could say how. Temporal's history of its workflow shows where.";
  await query(
    em,
    `update maintenance_reports set state = 'failed', finished_at = now(),
            error = jsonb_build_object('code', 'cancelled', 'detail', $2::text)
     where id = $1 and state = 'running'`,
    [id, detail],
  );
}

/** What the newest finished report on a task saw; null where there is none. */
export async function readLastSight(em: EntityManager, task: string): Promise<Record<string, unknown> | null> {
  const [row] = await query<{ saw: Record<string, unknown> }>(
    em,
    `select saw from maintenance_reports where task = $1 and state = 'done' order by id desc limit 1`,
    [task],
  );
  return row?.saw ?? null;
}
