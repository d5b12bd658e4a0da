import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ScenarioReport } from './harness/scenario.ts';

// About three minutes on two cores; the rest is for a machine that is busy with other work.
const patienceMs = 840_000;
jest.setTimeout(patienceMs + 10_000);

type ChaosReport = { ok: boolean; reports: Array<ScenarioReport & { scenario: string }> };

const sampled = { 'saga-points': 8, 'batch-points': 2, 'sync-points': 3, 'model-points': 3, 'turn-points': 4 };
const interleavings = 20;
const intervals = 3;
const conversations = { conversations: 8, 'rolling-deploy': 6 };

function runChaos(): Promise<ChaosReport> {
  const script = path.join(import.meta.dirname, 'run-chaos.ts');
  const numbered = (all: Record<string, number>) => Object.entries(all).map(([name, number]) => `${name}:${number}`);
  const scenarios = ['ingest-kill-worker', ...numbered(sampled), 'interleavings'];
  scenarios.push(...numbered({ schedules: intervals, ...conversations }));
  const hit = ['--victim', 'worker', '--hit', 'kill', '--together', '--group', '10'];
  const args = [
    ...[script, '--json', '--seed', '7', ...scenarios.flatMap((scenario) => ['--scenario', scenario])],
    ...[...hit, '--count', `${interleavings}`, '--seconds', '8'],
  ];
  return new Promise((resolve, reject) => {
    const options = { env: { ...process.env, NODE_OPTIONS: '' }, timeout: patienceMs };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) resolve(JSON.parse(last) as ChaosReport);
      else reject(new Error(`${error?.message ?? ''}\n${stderr}`));
    });
  });
}

describe('the short form of `npm run chaos`, whose every scenario is run before a release', () => {
  let reports: ChaosReport['reports'];
  const reportOf = (name: string) => reports.find(({ scenario }) => scenario === name);

  const expectHits = (...names: (keyof typeof sampled)[]) => {
    const { findings, details } = reportOf(Object.keys(sampled).join('+'))!;
    const hits = Object.fromEntries(names.map((name) => [name, sampled[name]]));
    expect({ findings, details }).toMatchObject({ findings: [], details: { pointsHitOf: hits } });
  };

  beforeAll(async () => {
    ({ reports } = await runChaos());
  });

  test('R1: a worker that is killed in the middle of an ingest loses nothing and doubles nothing', () => {
    expect(reportOf('ingest-kill-worker')).toMatchObject({ findings: [], hits: expect.any(Number) });
  });

  test('R1, R8: every worker killed at each of 8 points, and at 2 of a batch: all documents end, none is silent, only calls in flight are repeated', () => {
    expectHits('saga-points', 'batch-points');
  });

  test('R7: a worker killed at 3 points of a sync, and at 3 of a move to another model and of new indexes', () => {
    expectHits('sync-points', 'model-points');
  });

  test('R17: a worker killed at 4 points of a turn with three tools and an approval: each effect once', () => {
    expectHits('turn-points');
  });

  test('R32, R40: 3 intervals of two schedules, three workers, kills: each run once, and none held up by one that was killed', () => {
    const { findings, details } = reportOf('schedules')!;
    expect(findings).toEqual([]);
    const { requests, maintenance } = details as { requests: number; maintenance: number };
    expect(requests).toBeGreaterThanOrEqual(intervals);
    expect(maintenance).toBeGreaterThanOrEqual(intervals - 1);
  });

  test('R13, R14, R34: 8 conversations with tools, approvals, cancels and clients that drop, a worker killed: what is shown is what is stored', () => {
    expect(reportOf('conversations')).toMatchObject({ findings: [], details: { conversations: 8 } });
  });

  test('R18, R19: two workers and two APIs replaced by another version over open and waiting conversations', () => {
    expect(reportOf('rolling-deploy')).toMatchObject({ findings: [], hits: 4, details: { conversations: 6 } });
  });

  test('R4, R6: 20 random interleavings of ingest, delete, retry and cancel: nothing deleted comes back or is found', () => {
    expect(reportOf('interleavings')).toMatchObject({ findings: [], rounds: interleavings });
  });
});
