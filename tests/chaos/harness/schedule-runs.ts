import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { query } from '../../../entities/sql.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import type { Findings } from './round-context.ts';

type Request = { id: string; runId: string; dueAt: number; startedAt: number; closedAt: number; outcome: string };
type Sync = { id: string; state: string; createdAt: number; completedAt: number | null };

/** What became of the runs of one source's schedule. */
export type ScheduleRuns = { requests: Request[]; syncs: Sync[]; findings: Findings };

const patienceMs = 60_000;

/**
 * Waits until every run of the schedule of a source has ended, and compares them with what an interval of so many
 * seconds demands: one run for each time that was due, none left out and none twice, and one sync for each that asked for
 * a new one.
 */
export async function judgeScheduleRuns(
  stack: Pick<ProxiedStack, 'temporal' | 'database'>,
  { sourceId, everySeconds }: { sourceId: string; everySeconds: number },
): Promise<ScheduleRuns> {
  const requests = await readRequests(stack, sourceId);
  const syncs = await readSyncs(stack, sourceId);
  const findings: Findings = [];
  for (const { id, outcome } of requests)
    if (outcome !== 'started' && outcome !== 'running') findings.push(`${id} ended with ${outcome}`);
  for (const [n, { id, dueAt }] of requests.entries()) {
    const gap = n === 0 ? everySeconds : (dueAt - requests[n - 1]!.dueAt) / 1000;
    if (gap === 0) findings.push(`${id} was run twice`);
    else if (gap !== everySeconds) findings.push(`${id} came ${gap} s after the one before it`);
  }
  const started = requests.filter(({ outcome }) => outcome === 'started').length;
  if (started !== syncs.length) findings.push(`${started} requests began a sync, and there are ${syncs.length}`);
  for (const { id, state } of syncs) if (state !== 'completed') findings.push(`Sync ${id} is ${state}`);
  return { requests, syncs, findings };
}

async function readRequests({ temporal }: Pick<ProxiedStack, 'temporal'>, sourceId: string): Promise<Request[]> {
  const scheduleId = workflowIds.requestSync(sourceId);
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const requests: Request[] = [];
    for await (const run of temporal.workflow.list({ query: `TemporalScheduledById = '${scheduleId}'` })) {
      const startedAt = run.startTime.getTime();
      const closedAt = run.closeTime?.getTime() ?? 0;
      // The name of a run ends with the time at which it was due.
      const dueAt = Date.parse(run.workflowId.slice(scheduleId.length + 1));
      const outcome =
        run.status.name === 'COMPLETED'
          ? ((await temporal.workflow.getHandle(run.workflowId, run.runId).result()) as { outcome: string }).outcome
          : run.status.name.toLowerCase();
      requests.push({ id: run.workflowId, runId: run.runId, dueAt, startedAt, closedAt, outcome });
    }
    const isOver = requests.every(({ closedAt }) => closedAt > 0);
    if (isOver || Date.now() > deadline) return requests.sort((a, b) => a.dueAt - b.dueAt);
    await sleep(250);
  }
}

async function readSyncs({ database }: Pick<ProxiedStack, 'database'>, sourceId: string): Promise<Sync[]> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const syncs = await database.asOperator((em) =>
      query<Sync>(
        em,
        `select id, state, extract(epoch from created_at)::float8 * 1000 as "createdAt",
                extract(epoch from completed_at)::float8 * 1000 as "completedAt"
         from source_syncs where knowledge_source_id = $1 and trigger = 'schedule' order by created_at`,
        [sourceId],
      ),
    );
    if (syncs.every(({ completedAt }) => completedAt !== null) || Date.now() > deadline) return syncs;
    await sleep(250);
  }
}
