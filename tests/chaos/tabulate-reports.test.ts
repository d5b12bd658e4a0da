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
  ]);
  const edges = 2 * chaosPoints['sync-points']!.length;
  expect(table.trim().split('\n').slice(2)).toEqual([
    `| \`sync-points\` | worker | kill | 3 | 3 | 2 of ${edges} | 2 | 3 | 6 | 1.2 s | 1 |`,
    `| \`sync-points\` | worker | freeze | 3 | 1 | 1 of ${edges} | 1 | 1 | 2 | 0.0 s | 0 |`,
    '| `interleavings` |  |  | 4 | 6 |  | 1000 |  |  |  | 0 |',
  ]);
});
