import { setTimeout as sleep } from 'node:timers/promises';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';

const name = 'aggregate-usage';
const patienceMs = 30_000;

/** What became of the runs: those that did not end in time, and those of them that no worker was there to take. */
export type MaintenanceRuns = { runs: number; timedOut: number; neverTaken: number; findings: Findings };

type Run = { id: string; runId: string; dueAt: number; status: string };

/**
 * Lets a schedule of maintenance start a run every so many seconds, each of which is ended before the next is due, until
 * `end` brings back what it was; that says what is wrong with the runs, and how many there were.
 */
export async function shortenMaintenance(
  stack: Pick<ProxiedStack, 'api' | 'temporal' | 'database'>,
  everySeconds: number,
): Promise<{ end(intervals: number): Promise<MaintenanceRuns> }> {
  await stack.api.request(
    'PATCH',
    `/schedules/${name}`,
    { timing: { every_seconds: everySeconds } },
    `shorten-${name}`,
  );
  const since = Date.now();
  return {
    async end(intervals) {
      await stack.api.request('POST', `/schedules/${name}/pause`, {}, `pause-${name}`);
      const runs = await readRuns(stack, since);
      const findings = await judge(stack, runs, everySeconds);
      if (runs.length < intervals) findings.push(`${runs.length} runs of ${name} in ${intervals} intervals`);
      const timedOut = runs.filter(({ status }) => status === 'TIMED_OUT');
      const taken = await Promise.all(timedOut.map((run) => wasTaken(stack, run)));
      await stack.api.request('POST', `/schedules/${name}/reset`, {}, `reset-${name}`);
      await stack.api.request('POST', `/schedules/${name}/resume`, {}, `resume-${name}`);
      return {
        runs: runs.length,
        timedOut: timedOut.length,
        neverTaken: taken.filter((isTaken) => !isTaken).length,
        findings,
      };
    },
  };
}

/** One run for each time that was due, none left out and none twice: a run that was killed holds up no other. */
async function judge(
  { database }: Pick<ProxiedStack, 'database'>,
  runs: readonly Run[],
  everySeconds: number,
): Promise<Findings> {
  const findings: Findings = [];
  for (const [n, { id, status, dueAt }] of runs.entries()) {
    if (status !== 'COMPLETED' && status !== 'TIMED_OUT') findings.push(`${id} is ${status}`);
    const gap = n === 0 ? everySeconds : (dueAt - runs[n - 1]!.dueAt) / 1000;
    if (gap === 0) findings.push(`${id} was run twice`);
    else if (gap !== everySeconds) findings.push(`${id} came ${gap} s after the one before it`);
  }
  const reports = await database.asOperator((em) =>
    query<{ run: string; count: number }>(
      em,
      `select run_id as run, count(*)::int as count from maintenance_reports
       where schedule = $1 and state = 'done' group by run_id`,
      [name],
    ),
  );
  const reported = new Map(reports.map(({ run, count }) => [run, count]));
  for (const { id, runId, status } of runs)
    if (status === 'COMPLETED' && reported.get(runId) !== 1)
      findings.push(`${id} was completed with ${reported.get(runId) ?? 0} reports`);
  return findings;
}

async function wasTaken({ temporal }: Pick<ProxiedStack, 'temporal'>, { id, runId }: Run): Promise<boolean> {
  const { events } = await temporal.workflow.getHandle(id, runId).fetchHistory();
  return (events ?? []).some((event) => event.workflowTaskStartedEventAttributes);
}

async function readRuns({ temporal }: Pick<ProxiedStack, 'temporal'>, since: number): Promise<Run[]> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(250)) {
    const runs: Run[] = [];
    for await (const run of temporal.workflow.list({ query: `TemporalScheduledById = '${name}'` })) {
      // The name of a run ends with the time at which it was due.
      const dueAt = Date.parse(run.workflowId.slice(name.length + 1));
      if (dueAt > since) runs.push({ id: run.workflowId, runId: run.runId, dueAt, status: run.status.name });
    }
    const isOver = runs.every(({ status }) => status !== 'RUNNING');
    if (isOver || Date.now() > deadline) return runs.sort((a, b) => a.dueAt - b.dueAt);
  }
}
