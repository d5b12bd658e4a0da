import { chaosPoints } from './scenarios.ts';
import { faults, targets } from './scenario.ts';
import type { Fault, ScenarioReport, Target } from './scenario.ts';
import type { PointReport, PointRoundReport } from './run-point-round.ts';

/** A scenario's report as `--report` writes it, one a line. */
export type WrittenReport = ScenarioReport & { scenario: string; seed: number; round: number; durationMs: number };

/** What one round did at the points of one scenario. */
type Visited = { seed: number; round: PointRoundReport; points: PointReport[]; findings: string[] };

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
 * A Markdown table of reports, for docs/chaos.md: a row for each scenario with points, victim and kind of hit, whichever
 * others met it in the same rounds, and one for each other scenario. Runs of the same are put together. A finding that
 * names no point stands in the row of each scenario of its round.
 */
export function tabulateReports(reports: readonly WrittenReport[]): string {
  const rows = Object.keys(chaosPoints).flatMap((scenario) =>
    targets.flatMap((victim) =>
      faults.flatMap((hit) => {
        const visits = reports.flatMap((report) => visitsOf(report, { scenario, victim, hit }));
        return visits.length === 0 ? [] : [cellsOfPoints({ scenario, victim, hit }, visits)];
      }),
    ),
  );
  const others = Map.groupBy(
    reports.filter((report) => roundsOf(report).length === 0),
    ({ scenario }) => scenario,
  );
  const lines = [head, head.map(() => '---'), ...rows, ...[...others].map(([name, own]) => cellsOfOther(name, own))];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

type Place = { scenario: string; victim: Target; hit: Fault };

function visitsOf(report: WrittenReport, { scenario, victim, hit }: Place): Visited[] {
  return roundsOf(report).flatMap((round, n) => {
    const points = round.points.filter(({ point }) => scenarioOf(point) === scenario);
    if (round.target !== victim || round.fault !== hit || points.length === 0) return [];
    const own = report.findings.filter((text) => text.startsWith(`${hit} ${victim}, round ${n + 1}: `));
    // Such a one is told of no round.
    if (n === firstRound(report, { scenario, victim, hit }))
      own.push(...report.findings.filter((text) => text.startsWith(`${hit} ${victim}: `)));
    const findings = own.filter((text) => [scenario, undefined].includes(scenarioOf(pointOf(text))));
    return [{ seed: report.seed, round, points, findings }];
  });
}

function firstRound(report: WrittenReport, { scenario, victim, hit }: Place): number {
  return roundsOf(report).findIndex(
    ({ target, fault, points }) =>
      target === victim && fault === hit && points.some(({ point }) => scenarioOf(point) === scenario),
  );
}

function scenarioOf(point: string): string | undefined {
  return Object.keys(chaosPoints).find((name) => chaosPoints[name]!.some((one) => one.name === point));
}

function pointOf(finding: string): string {
  return (finding.split(': ')[1] ?? '').replace(/^point /, '').split(' ')[0] ?? '';
}

/** The rounds of a scenario with points; none of any other. */
function roundsOf({ scenario, details }: WrittenReport): PointRoundReport[] {
  const hasPoints = scenario.split('+').every((name) => name in chaosPoints);
  return hasPoints ? (details as { rounds: PointRoundReport[] }).rounds : [];
}

function cellsOfPoints({ scenario, victim, hit }: Place, visits: readonly Visited[]): string[] {
  const points = visits.flatMap((visit) => visit.points);
  const edges = new Set(points.map(({ point, edge }) => `${point} ${edge}`));
  return [
    `\`${scenario}\``,
    victim,
    hit,
    [...new Set(visits.map(({ seed }) => seed))].join(', '),
    `${points.length}`,
    `${edges.size} of ${2 * chaosPoints[scenario]!.length}`,
    `${visits.length}`,
    `${sum(points.map(({ repeatedTexts }) => repeatedTexts))}`,
    `${sum(points.map(({ textsInFlight }) => textsInFlight))}`,
    `${(Math.max(0, ...points.map(({ silentMs }) => silentMs)) / 1000).toFixed(1)} s`,
    `${sum(visits.map(({ findings }) => findings.length))}`,
  ];
}

function cellsOfOther(scenario: string, own: readonly WrittenReport[]): string[] {
  const seeds = [...new Set(own.map(({ seed }) => seed))].join(', ');
  const hits = sum(own.map((report) => report.hits));
  const rounds = sum(own.map((report) => report.rounds));
  const findings = sum(own.map((report) => report.findings.length));
  return [`\`${scenario}\``, '', '', seeds, `${hits}`, '', `${rounds}`, '', '', '', `${findings}`];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
