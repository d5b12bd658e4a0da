import { execFile } from 'node:child_process';
import path from 'node:path';
import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import type { ScenarioReport } from './harness/scenario.ts';

// About two minutes on two cores; the rest is for a machine that is busy with other work.
const patienceMs = 600_000;
jest.setTimeout(patienceMs + 10_000);

type ChaosReport = { ok: boolean; reports: Array<ScenarioReport & { scenario: string }> };

const sampledPoints = 8;
const interleavings = 40;

function runChaos(): Promise<ChaosReport> {
  const script = path.join(import.meta.dirname, 'run-chaos.ts');
  const scenarios = ['turns-kill-worker', 'ingest-kill-worker', 'saga-points', 'interleavings'];
  const sample = ['--victim', 'worker', '--hit', 'kill', '--sample', `${sampledPoints}`, '--group', `${sampledPoints}`];
  const args = [
    ...[script, '--json', '--seed', '7', ...scenarios.flatMap((scenario) => ['--scenario', scenario])],
    ...[...sample, '--count', `${interleavings}`],
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
    expect(reportOf('saga-points')).toMatchObject({
      findings: [],
      hits: sampledPoints,
      details: { pointsHit: sampledPoints },
    });
  });

  test('R4, R6: 40 random interleavings of ingest, delete, retry and cancel: nothing deleted comes back or is found', () => {
    expect(reportOf('interleavings')).toMatchObject({ findings: [], rounds: interleavings });
  });
});
