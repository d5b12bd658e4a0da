import { Context } from '@temporalio/activity';
import { scheduleOf } from '../../contracts/names/maintenance-schedules.ts';
import {
  saveReport,
  type MaintenanceFinding,
  type ReportedRun,
  type ReportState,
} from '../../entities/maintenance/maintenance-report-repository.ts';
import type { Database } from '../../platform/database.ts';
import { toFailure } from '../conversation/turn-failure.ts';

/** What a report is about: a task, and what tells apart several reports of one run. */
export type ReportedTask = { task: string; subject?: string; workspaceId?: string | null };

/** What a piece of maintenance gives back, and what is to be reported of it; null where that is not worth a row. */
export type Reported<Result> = {
  result: Result;
  finding: Omit<MaintenanceFinding, keyof ReportedTask> | null;
};

/**
 * Does a piece of maintenance inside an activity and writes the report of it: what the run saw, decided and did, or why it
 * failed. `announced` writes it when the work begins, for work that takes long. Writing is idempotent by run, task and
 * subject, so an attempt that was killed is followed by one that says how it went. Throws what `work` throws.
 */
export async function withReport<Result>(
  deps: { database: Pick<Database, 'asOperator'> },
  { announced = false, ...about }: ReportedTask & { announced?: boolean },
  work: () => Promise<Reported<Result>>,
): Promise<Result> {
  const startedAt = new Date();
  const run = currentRun();
  const save = (report: ReportState) =>
    deps.database.asOperator((em) => saveReport(em, run, about.task, { ...report, startedAt }));
  const unknown = { ...about, saw: {}, decided: '', reason: '', did: {} };
  if (announced) await save({ ...unknown, state: 'running' });
  let reported: Reported<Result>;
  try {
    reported = await work();
  } catch (error) {
    const { type, message } = toFailure(error);
    // Where the database itself is away the row cannot be written, and what counts is the error itself.
    await save({ ...unknown, state: 'failed', error: { code: type ?? 'internal', detail: message } }).catch(() => {});
    throw error;
  }
  if (reported.finding !== null) await save({ ...about, ...reported.finding, state: 'done' });
  else if (announced) await save({ ...unknown, decided: 'nothing', state: 'done' });
  return reported.result;
}

/** The workflow run on whose behalf the current activity works, and the schedule that started it. */
export function currentRun(): ReportedRun {
  const { workflowId = '', runId = '' } = Context.current().info.workflowExecution ?? {};
  return { workflowId, runId, schedule: scheduleOf(workflowId) };
}
