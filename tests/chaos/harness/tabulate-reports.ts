import { chaosPoints } from './scenarios.ts';
import { faults, targets } from './scenario.ts';
import type { ScenarioReport } from './scenario.ts';
import type { PointRoundReport } from './run-point-round.ts';

/** A scenario's report as `--report` writes it, one a line. */
export type WrittenReport = ScenarioReport & { scenario: string; seed: number; round: number; durationMs: number };

type Row = { scenario: string; victim: string; hit: string; reports: WrittenReport[]; rounds: PointRoundReport[] };

const head = [
  'scenario',
  'victim',
  'hit',
  'seed',
  'hits',
  'edges of points',
  'rounds',
  'texts paid again',
  'texts in flight',
  'longest silence',
  'findings',
];

/**
 * A Markdown table of reports, for docs/chaos.md: a row for each scenario with points, victim and kind of hit, and one for
 * each other scenario. Runs of the same are put together.
 */
export function tabulateReports(reports: readonly WrittenReport[]): string {
  const ofPoints = reports.filter(({ scenario }) => pointsOf(scenario) > 0);
  const rows = [...Map.groupBy(ofPoints, ({ scenario }) => scenario)].flatMap(([scenario, own]) =>
    targets.flatMap((victim) =>
      faults.flatMap((hit): Row[] => {
        const hits = (one: PointRoundReport) => one.target === victim && one.fault === hit;
        const reportsOf = own.filter((report) => roundsOf(report).some(hits));
        const rounds = reportsOf.flatMap((report) => roundsOf(report).filter(hits));
        return rounds.length === 0 ? [] : [{ scenario, victim, hit, reports: reportsOf, rounds }];
      }),
    ),
  );
  const others = reports.filter((report) => !ofPoints.includes(report));
  const lines = [head, head.map(() => '---'), ...rows.map(cellsOfPoints), ...others.map(cellsOfOther)];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

function pointsOf(scenario: string): number {
  return scenario.split('+').reduce((sum, name) => sum + (chaosPoints[name]?.length ?? 0), 0);
}

function roundsOf({ details }: WrittenReport): PointRoundReport[] {
  return (details as { rounds: PointRoundReport[] }).rounds;
}

function cellsOfPoints({ scenario, victim, hit, reports, rounds }: Row): string[] {
  const points = rounds.flatMap((round) => round.points);
  const edges = new Set(points.map(({ point, edge }) => `${point} ${edge}`));
  const findings = reports.flatMap((report) => report.findings).filter((text) => text.startsWith(`${hit} ${victim}`));
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return [
    `\`${scenario}\``,
    victim,
    hit,
    [...new Set(reports.map(({ seed }) => seed))].join(', '),
    `${points.length}`,
    `${edges.size} of ${2 * pointsOf(scenario)}`,
    `${rounds.length}`,
    `${sum(points.map(({ repeatedTexts }) => repeatedTexts))}`,
    `${sum(points.map(({ textsInFlight }) => textsInFlight))}`,
    `${(Math.max(0, ...points.map(({ silentMs }) => silentMs)) / 1000).toFixed(1)} s`,
    `${findings.length}`,
  ];
}

function cellsOfOther({ scenario, seed, hits, rounds, findings }: WrittenReport): string[] {
  return [`\`${scenario}\``, '', '', `${seed}`, `${hits}`, '', `${rounds}`, '', '', '', `${findings.length}`];
}
