import { setTimeout as sleep } from 'node:timers/promises';
import type { MaintenanceReport } from '../contracts/schedule.ts';
import type { CommandContext } from './command.ts';
import { showReport } from './show-report.ts';

// A run begins within a second where a worker serves the queue; what it does takes as long as it takes.
const betweenLooksMs = 500;
const patienceMs = 120_000;

/**
 * Waits for the reports of a run that was triggered and shows them; the exit code is 1 where one failed. A run that reports
 * nothing, because it saw nothing, is waited for in vain for two minutes.
 */
export async function followReport(
  context: CommandContext,
  run: { schedule: string; workflowId: string | null; before: string },
  options: { json: boolean },
): Promise<number> {
  const { api, terminal, signal } = context;
  const filter =
    run.workflowId === null
      ? `schedule=${encodeURIComponent(run.schedule)}`
      : `workflow_id=${encodeURIComponent(run.workflowId)}`;
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(betweenLooksMs, undefined, { signal })) {
    const { data } = await api.request<{ data: MaintenanceReport[] }>(`/maintenance-reports?${filter}`);
    const own = data.filter(({ id }) => id > run.before);
    if (own.length === 0 || own.some(({ state }) => state === 'running')) continue;
    for (const report of own.toReversed()) showReport(terminal, report, options);
    return own.some(({ state }) => state === 'failed') ? 1 : 0;
  }
  terminal.note(
    'No report has come. Frequent tasks report only what they saw; see "perdure schedules" for the run itself.',
  );
  return 0;
}

/** The id of the newest report of a schedule, after which those of a new run come; empty where there is none. */
export async function newestReport({ api }: CommandContext, schedule: string): Promise<string> {
  const { data } = await api.request<{ data: MaintenanceReport[] }>(
    `/maintenance-reports?limit=1&schedule=${encodeURIComponent(schedule)}`,
  );
  return data[0]?.id ?? '';
}
