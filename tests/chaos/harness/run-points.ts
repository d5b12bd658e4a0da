import type { ChaosPoint } from './chaos-point.ts';
import { runPointRound } from './run-point-round.ts';
import type { EdgeOfPoint, PointRoundReport } from './run-point-round.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { prepareSagaWorkspace } from './saga-workspace.ts';
import { faults, targets } from './scenario.ts';
import type { Fault, ScenarioOptions, ScenarioReport, Target } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';

/**
 * A scenario that hits each target in each way at every one of the points. Some stories are held at points of their own
 * at once; a point that is not reached beside others is tried with those like it, then by itself, and one that is not
 * reached then is a finding.
 */
export const runPoints =
  (all: readonly ChaosPoint[]) =>
  async (stack: ProxiedStack, random: SeededRandom, options: ScenarioOptions): Promise<ScenarioReport> => {
    await prepareSagaWorkspace(stack);
    const reports: PointRoundReport[] = [];
    const findings: string[] = [];
    let round = 0;
    const tryRound = async (points: readonly EdgeOfPoint[], hit: { target: Target; fault: Fault }) => {
      round += 1;
      const words = `r${options.round}x${String(round).padStart(3, '0')}`;
      const report = await runPointRound(stack, points, hit, words, random.fork(words));
      reports.push(report);
      findings.push(...report.findings.map((finding) => `${hit.fault} ${hit.target}, round ${round}: ${finding}`));
      options.say(describe(round, report));
      for (const finding of report.findings) options.say(`        ${finding}`);
      return report;
    };
    for (const target of choose(targets, options.targets))
      for (const fault of choose(faults, options.faults)) {
        let late: EdgeOfPoint[] = [];
        for (const group of groups(all, random.fork(`${target} ${fault}`), options))
          late.push(...(await tryRound(group, { target, fault })).missed);
        // Those that come late in their stories meet each other.
        if (late.length > 1) late = (await tryRound(late, { target, fault })).missed;
        for (const single of late) {
          const { missed } = await tryRound([single], { target, fault });
          if (missed.length > 0) findings.push(`Point ${single.point.name} (${single.edge}) was never reached`);
        }
      }
    const points = reports.flatMap((report) => report.points);
    const worst = (values: number[]) => Math.max(0, ...values);
    return {
      rounds: round,
      hits: points.length,
      findings,
      details: {
        pointsHit: new Set(points.map(({ point, edge }) => `${point} ${edge}`)).size,
        repeatedTexts: points.reduce((sum, { repeatedTexts }) => sum + repeatedTexts, 0),
        textsInFlight: points.reduce((sum, { textsInFlight }) => sum + textsInFlight, 0),
        longestSilenceMs: worst(points.map(({ silentMs }) => silentMs)),
        longestDownMs: worst(reports.map(({ downMs }) => downMs)),
        rounds: reports,
      },
    };
  };

const edges = ['before', 'after'] as const;

function* groups(
  known: readonly ChaosPoint[],
  random: SeededRandom,
  { points, sample, group }: ScenarioOptions,
): Generator<EdgeOfPoint[]> {
  const all = known
    .filter(({ name }) => points.length === 0 || points.includes(name))
    .flatMap((point) => edges.map((edge): EdgeOfPoint => ({ point, edge })));
  if (all.length === 0) throw new Error(`This scenario has no point named ${points.join(', ')}.`);
  const shuffled: EdgeOfPoint[] = [];
  const rest = [...all];
  while (rest.length > 0) shuffled.push(...rest.splice(random.between(0, rest.length - 1), 1));
  // Of a sample each is a point of its own.
  const distinct = shuffled.filter(({ point }, n) => shuffled.findIndex((other) => other.point === point) === n);
  const chosen = sample === null ? shuffled : distinct.slice(0, sample);
  for (let at = 0; at < chosen.length; at += group) yield chosen.slice(at, at + group);
}

function choose<T>(all: readonly T[], wanted: readonly T[]): readonly T[] {
  return wanted.length === 0 ? all : all.filter((value) => wanted.includes(value));
}

function describe(round: number, report: PointRoundReport): string {
  const { fault, target, durationMs, downMs, points, missed } = report;
  const repeats = points.reduce((sum, { repeatedTexts }) => sum + repeatedTexts, 0);
  const flying = points.reduce((sum, { textsInFlight }) => sum + textsInFlight, 0);
  const silent = Math.max(0, ...points.map(({ silentMs }) => silentMs));
  const at = points.map(({ point, edge }) => `${edge} ${point}`).join(', ') || 'no point';
  const others = missed.map(({ point, edge }) => `${edge} ${point.name}`).join(', ');
  const beside = missed.length === 0 ? '' : ` (not reached beside them: ${others})`;
  return (
    `  ${report.findings.length === 0 ? 'ok  ' : 'FAIL'} ${round}. ${fault} ${target} at ${at}${beside}: ` +
    `down ${downMs} ms, ${repeats} of ${flying} texts in flight paid again, silent ≤ ${silent} ms, ` +
    `${(durationMs / 1000).toFixed(1)} s`
  );
}
