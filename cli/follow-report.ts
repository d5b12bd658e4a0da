import { setTimeout as sleep } from 'node:timers/promises';
import type { MaintenanceReport, Schedule } from '../contracts/schedule.ts';
import type { CommandContext } from './command.ts';
import { showReport } from './show-report.ts';

// A run begins within a second where a worker serves the queue; what it does takes as long as it takes.
const betweenLooksMs = 500;
const patienceMs = 120_000;

/** Where a schedule stands before it is triggered: its newest run and report, empty where there is none. */
export type Standing = { runId: string; reportId: string };

/** Reads where a schedule stands. */
export async function standingOf({ api }: CommandContext, schedule: string): Promise<Standing> {
  const [{ recent_runs }, { data }] = await Promise.all([
    api.request<Schedule>(`/schedules/${encodeURIComponent(schedule)}`),
    api.request<{ data: MaintenanceReport[] }>(`/maintenance-reports?limit=1&schedule=${encodeURIComponent(schedule)}`),
  ]);
  return { runId: recent_runs[0]?.run_id ?? '', reportId: data[0]?.id ?? '' };
}

/** Waits for the reports of a run that was triggered, or for its end, and shows them; the exit code is 1 where one failed. */
export async function followReport(
  context: CommandContext,
  run: { schedule: string; workflowId: string | null; before: Standing },
  options: { json: boolean },
): Promise<number> {
  const { api, terminal, signal } = context;
  const filter =
    run.workflowId === null
      ? `schedule=${encodeURIComponent(run.schedule)}`
      : `workflow_id=${encodeURIComponent(run.workflowId)}`;
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(betweenLooksMs, undefined, { signal })) {
    // Asked first: a run that has ended has written its report.
    const isOver = run.workflowId === null && (await hasEnded(context, run));
    const { data } = await api.request<{ data: MaintenanceReport[] }>(`/maintenance-reports?${filter}`);
    const own = data.filter(({ id }) => id > run.before.reportId);
    if (own.length === 0 && isOver) {
      terminal.note('The run has ended. It saw nothing that was worth a report.');
      return 0;
    }
    if (own.length === 0 || own.some(({ state }) => state === 'running')) continue;
    for (const report of own.toReversed()) showReport(terminal, report, options);
    return own.some(({ state }) => state === 'failed') ? 1 : 0;
  }
  terminal.note('The run goes on. "perdure reports" shows its report when it has ended.');
  return 0;
}

async function hasEnded(
  { api }: CommandContext,
  { schedule, before }: { schedule: string; before: Standing },
): Promise<boolean> {
  const { recent_runs, running } = await api.request<Schedule>(`/schedules/${encodeURIComponent(schedule)}`);
  const [newest] = recent_runs;
  return (
    newest !== undefined && newest.run_id !== before.runId && running.every(({ run_id }) => run_id !== newest.run_id)
  );
}
