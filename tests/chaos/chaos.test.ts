import { execFile } from 'node:child_process';
import path from 'node:path';
import { expect, jest, test } from '@jest/globals';
import type { ScenarioReport } from './harness/scenario.ts';

jest.setTimeout(400_000);

type ChaosReport = { ok: boolean; reports: Array<ScenarioReport & { scenario: string }> };

function runChaos(...scenarios: string[]): Promise<ChaosReport> {
  const script = path.join(import.meta.dirname, 'run-chaos.ts');
  const args = [script, '--json', '--seed', '7', ...scenarios.flatMap((scenario) => ['--scenario', scenario])];
  return new Promise((resolve, reject) => {
    execFile(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } }, (error, stdout, stderr) => {
      const last = stdout.trim().split('\n').at(-1) ?? '';
      if (last.startsWith('{')) resolve(JSON.parse(last) as ChaosReport);
      else reject(new Error(`${error?.message ?? ''}\n${stderr}`));
    });
  });
}

// R1, R14, R34: the short form of `npm run chaos`, whose every scenario is run before a release.
test('a worker that is killed in the middle of turns and of an ingest loses nothing and doubles nothing', async () => {
  const { ok, reports } = await runChaos('turns-kill-worker', 'ingest-kill-worker');
  expect(reports.map(({ scenario, findings }) => ({ scenario, findings }))).toEqual([
    { scenario: 'turns-kill-worker', findings: [] },
    { scenario: 'ingest-kill-worker', findings: [] },
  ]);
  expect(reports.every((report) => report.hits > 0)).toBe(true);
  expect(ok).toBe(true);
});
