import { expect, test } from '@jest/globals';
import type { PointReport, PointRoundReport } from './harness/run-point-round.ts';
import { chaosPoints } from './harness/scenarios.ts';
import { tabulateReports } from './harness/tabulate-reports.ts';
import type { WrittenReport } from './harness/tabulate-reports.ts';

test('the table of reports has a row for each victim and kind of hit, and tells edges that were hit twice once', () => {
  const at = (edge: PointReport['edge'], silentMs: number): PointReport => ({
    point: 'request-sync',
    edge,
    repeatedTexts: 1,
    textsInFlight: 2,
    silentMs,
  });
  const round = (fault: PointRoundReport['fault'], points: PointReport[]) =>
    ({ target: 'worker', fault, points }) as PointRoundReport;
  const report = (rounds: PointRoundReport[], findings: string[]): WrittenReport => ({
    ...{ scenario: 'sync-points', seed: 3, round: 1, durationMs: 1 },
    ...{ hits: 0, rounds: rounds.length, findings, details: { rounds } },
  });
  const other = { scenario: 'interleavings', seed: 4, round: 1, durationMs: 1, hits: 6, rounds: 1000, findings: [] };
  const table = tabulateReports([
    report([round('kill', [at('before', 10), at('after', 1240)]), round('freeze', [at('after', 0)])], []),
    report([round('kill', [at('before', 0)])], ['kill worker, round 1: lost', 'freeze worker: never reached']),
    { ...other, details: {} },
    { ...other, seed: 5, hits: 1, details: {} },
  ]);
  const edges = 2 * chaosPoints['sync-points']!.length;
  expect(table.trim().split('\n').slice(2)).toEqual([
    `| \`sync-points\` | worker | kill | 3 | 3 | 2 of ${edges} | 2 | 3 | 6 | 1.2 s | 1 |`,
    `| \`sync-points\` | worker | freeze | 3 | 1 | 1 of ${edges} | 1 | 1 | 2 | 0.0 s | 0 |`,
    '| `interleavings` |  |  | 4, 5 | 7 |  | 2000 |  |  |  | 0 |',
  ]);
});

test('points of several scenarios that met in the same rounds have rows of their own, with the findings that name them', () => {
  const at = (point: string): PointReport => {
    return { point, edge: 'before', repeatedTexts: 1, textsInFlight: 1, silentMs: 0 };
  };
  const rounds = [
    { target: 'api', fault: 'kill', points: [at('request-sync'), at('accept-batch')] },
    { target: 'api', fault: 'kill', points: [at('start-sync')] },
  ] as PointRoundReport[];
  const findings = [
    'kill api, round 1: accept-batch before (br1): Document 3 is failed, not ready',
    'kill api, round 2: Invariant 2, document d: 21 chunks are left',
    'kill api: point end-batch (after) was never reached',
  ];
  const table = tabulateReports([
    {
      ...{ scenario: 'batch-points+sync-points', seed: 3, round: 1, durationMs: 1 },
      ...{ hits: 3, rounds: 2, findings, details: { rounds } },
    },
  ]);
  const edgesOf = (name: string) => 2 * chaosPoints[name]!.length;
  expect(table.trim().split('\n').slice(2)).toEqual([
    `| \`batch-points\` | api | kill | 3 | 1 | 1 of ${edgesOf('batch-points')} | 1 | 1 | 1 | 0.0 s | 2 |`,
    `| \`sync-points\` | api | kill | 3 | 2 | 2 of ${edgesOf('sync-points')} | 2 | 2 | 2 | 0.0 s | 1 |`,
  ]);
});
