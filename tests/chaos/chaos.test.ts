import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ScenarioReport } from './harness/scenario.ts';

// About three minutes on two cores; the rest is for a machine that is busy with other work.
const patienceMs = 840_000;
jest.setTimeout(patienceMs + 10_000);

type ChaosReport = { ok: boolean; reports: Array<ScenarioReport & { scenario: string }> };

const sampled = { 'saga-points': 8, 'sync-points': 3, 'model-points': 3 };
const interleavings = 40;

function runChaos(): Promise<ChaosReport> {
  const script = path.join(import.meta.dirname, 'run-chaos.ts');
  const samples = Object.entries(sampled).map(([scenario, points]) => `${scenario}:${points}`);
  const scenarios = ['turns-kill-worker', 'ingest-kill-worker', ...samples, 'interleavings'];
  const hit = ['--victim', 'worker', '--hit', 'kill', '--group', '8'];
  const args = [
    ...[script, '--json', '--seed', '7', ...scenarios.flatMap((scenario) => ['--scenario', scenario])],
    ...[...hit, '--count', `${interleavings}`],
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

  const expectHits = (name: keyof typeof sampled) => {
    const hits = sampled[name];
    expect(reportOf(name)).toMatchObject({ findings: [], hits, details: { pointsHit: hits } });
  };

  beforeAll(async () => {
    ({ reports } = await runChaos());
  });

  test('R14, R34: a worker that is killed in the middle of turns loses nothing and doubles nothing', () => {
    expect(reportOf('turns-kill-worker')).toMatchObject({ findings: [], hits: expect.any(Number) });
  });

  test('R1: a worker that is killed in the middle of an ingest loses nothing and doubles nothing', () => {
    expect(reportOf('ingest-kill-worker')).toMatchObject({ findings: [], hits: expect.any(Number) });
  });

  test('R1, R8: every worker killed at each of 8 points: all documents end, none is silent, only calls in flight are repeated', () => {
    expectHits('saga-points');
  });

  test('R7: a worker killed at 3 points of a sync, and at 3 of a move to another model and of new indexes', () => {
    expectHits('sync-points');
    expectHits('model-points');
  });

  test('R4, R6: 40 random interleavings of ingest, delete, retry and cancel: nothing deleted comes back or is found', () => {
    expect(reportOf('interleavings')).toMatchObject({ findings: [], rounds: interleavings });
  });
});
