import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { workflowIds } from '../../../contracts/names/workflows.ts';
import { composeText } from './compose-text.ts';
import { killProcess } from './hit-process.ts';
import { shortenMaintenance } from './maintenance-runs.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { prepareSagaWorkspace, sagaNames } from './saga-workspace.ts';
import type { ScenarioOptions, ScenarioReport } from './scenario.ts';
import { judgeScheduleRuns } from './schedule-runs.ts';
import type { ScheduleRuns } from './schedule-runs.ts';
import type { SeededRandom } from './seeded-random.ts';
import { settleAndCheck } from './settle-and-check.ts';

const usualIntervals = 24;
const everySeconds = 5;
const intervalMs = everySeconds * 1000;
const workers = ['worker', 'stand-in', 'third-worker'] as const;
const sentences = 60;

type Kill = { worker: (typeof workers)[number]; at: number };

/**
 * Three workers, a source with a schedule of short intervals, and kills of workers at moments that the seed chooses, most
 * of them just after a run was due: there are as many runs as intervals, each once, and every one of them is answered. A
 * schedule of maintenance with the same intervals has as many runs too, though each must end before the next is due.
 */
export async function runSchedules(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
): Promise<ScenarioReport> {
  await prepareSagaWorkspace(stack);
  await Promise.all([stack.useStandIn(true), stack.useThirdWorker(true)]);
  const intervals = options.sample ?? usualIntervals;
  const source = await createScheduledSource(stack, `scheduled${options.round}`, random);
  const maintenance = await shortenMaintenance(stack, everySeconds);
  const schedule = stack.temporal.schedule.getHandle(workflowIds.requestSync(source.id));
  const taken = async () => (await schedule.describe()).info.numActionsTaken;
  while ((await taken()) === 0) await sleep(50);

  const kills: Kill[] = [];
  const moments = random.fork('kills');
  for (let n = 0; (await taken()) < intervals; n += 1) {
    await source.change(n + 1);
    const plan = planKills(moments);
    if (n === 0) {
      // By chance none of few kills might meet work: one comes as soon as a run has begun.
      for (const before = await taken(); (await taken()) === before;) await sleep(10);
      const worker = moments.pick(workers);
      if ((await killProcess(stack.homeOf(worker), 'worker')) !== null) kills.push({ worker, at: Date.now() });
    }
    // Temporal's intervals begin with the epoch.
    const due = Math.ceil(Date.now() / intervalMs) * intervalMs;
    for (const { worker, afterMs } of plan) {
      await sleep(Math.max(0, due + afterMs - Date.now()));
      const pid = await killProcess(stack.homeOf(worker), 'worker');
      if (pid !== null) kills.push({ worker, at: Date.now() });
    }
    await sleep(Math.max(0, due + 200 - Date.now()));
  }
  const { info } = await schedule.describe();
  await source.end();
  const maintained = await maintenance.end(intervals - 1);

  const runs = await judgeScheduleRuns(stack, { sourceId: source.id, everySeconds });
  await stack.useStandIn(false);
  await stack.useThirdWorker(false);
  const findings = [...runs.findings, ...maintained.findings];
  if (runs.requests.length < intervals) findings.push(`${runs.requests.length} runs in ${intervals} intervals`);
  if (info.numActionsSkippedOverlap + info.numActionsMissedCatchupWindow > 0)
    findings.push(
      `${info.numActionsSkippedOverlap} runs were skipped, ${info.numActionsMissedCatchupWindow} came too late`,
    );
  findings.push(...(await settleAndCheck(stack, stack.provider.log())));
  const meeting = kills.filter(({ at }) => metWork(at, runs)).length;
  if (meeting === 0) findings.push('No kill met a request or a sync: the round proves nothing');
  const details = {
    requests: runs.requests.length,
    syncs: runs.syncs.length,
    kills: kills.length,
    maintenance: maintained.runs,
    maintenanceTimedOut: maintained.timedOut,
    maintenanceNeverTaken: maintained.neverTaken,
    longestRequestMs: Math.max(...runs.requests.map(({ startedAt, closedAt }) => closedAt - startedAt)),
    longestDelayMs: Math.max(...runs.requests.map(({ dueAt, startedAt }) => startedAt - dueAt)),
  };
  options.say(`  ${JSON.stringify(details)}`);
  return { rounds: 1, hits: meeting, findings, details };
}

/** Up to three kills of an interval, in their order. Most fall on the request and on the sync that it begins. */
function planKills(random: SeededRandom): Array<{ worker: Kill['worker']; afterMs: number }> {
  const kills = Array.from({ length: random.between(0, 3) }, () => ({
    worker: random.pick(workers),
    afterMs: random.next() < 0.7 ? random.between(0, 1200) : random.between(1200, intervalMs - 500),
  }));
  return kills.toSorted((a, b) => a.afterMs - b.afterMs);
}

function metWork(at: number, { requests, syncs }: ScheduleRuns): boolean {
  return (
    requests.some(({ startedAt, closedAt }) => startedAt <= at && at <= closedAt) ||
    syncs.some(({ createdAt, completedAt }) => createdAt <= at && (completedAt === null || at <= completedAt))
  );
}

/** A folder with one file, which changes, so that each sync finds something to do; `end` takes the schedule away. */
async function createScheduledSource(
  stack: ProxiedStack,
  name: string,
  random: SeededRandom,
): Promise<{ id: string; change(n: number): Promise<void>; end(): Promise<void> }> {
  const folder = path.join(stack.sourceFolder, name);
  await mkdir(folder);
  const change = (n: number) =>
    writeFile(path.join(folder, 'changing.md'), composeText(random.fork(`text ${n}`), sentences, [`${name}v${n}`]));
  await change(0);
  const { api } = stack;
  const body = { name, type: 'file', configuration: { path: folder, schedule: null } };
  const { id } = await api.request<{ id: string }>('POST', '/knowledge-sources', body, `source-${name}`);
  const tool = { name, knowledge_source: name, embedding_model: sagaNames.model, chunk_size: 40, chunk_overlap: 0 };
  await api.request('POST', '/rag-tools', tool, `tool-${name}`);
  const configure = async (schedule: object | null) => {
    await api.request('PATCH', `/knowledge-sources/${id}`, { configuration: { path: folder, schedule } });
  };
  await configure({ every_seconds: everySeconds });
  return { id, change, end: () => configure(null) };
}
