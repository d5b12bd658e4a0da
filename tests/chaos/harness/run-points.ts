import type { ChaosPoint } from './chaos-point.ts';
import { PaceOfPoints } from './pace-of-points.ts';
import { runPointRound } from './run-point-round.ts';
import type { EdgeOfPoint, PointReport, PointRoundReport } from './run-point-round.ts';
import type { ProxiedStack } from './proxied-stack.ts';
import { prepareSagaWorkspace } from './saga-workspace.ts';
import { faults, targets } from './scenario.ts';
import type { Fault, ScenarioOptions, ScenarioReport, Target } from './scenario.ts';
import type { SeededRandom } from './seeded-random.ts';

/** Points that belong together, by the name of their scenario, and how many of them, chosen by the seed, are hit; null: all. */
export type PointsOrder = { name: string; points: readonly ChaosPoint[]; sample: number | null };

/**
 * Hits each target in each way at every one of the points. Some stories are held at points of their own
 * at once; a point that is not reached beside others is tried with those like it, then by itself, and one that is not
 * reached then is a finding.
 */
export async function runPoints(
  stack: ProxiedStack,
  random: SeededRandom,
  options: ScenarioOptions,
  orders: readonly PointsOrder[],
): Promise<ScenarioReport> {
  await prepareSagaWorkspace(stack);
  const reports: PointRoundReport[] = [];
  const findings: string[] = [];
  const pace = new PaceOfPoints();
  let round = 0;
  const tryRound = async (points: readonly EdgeOfPoint[], hit: { target: Target; fault: Fault }) => {
    round += 1;
    const words = `r${options.round}x${String(round).padStart(3, '0')}`;
    const report = await runPointRound(stack, { points, hit, pace }, words, random.fork(words));
    reports.push(report);
    findings.push(...report.findings.map((finding) => `${hit.fault} ${hit.target}, round ${round}: ${finding}`));
    options.say(describe(round, report));
    for (const finding of report.findings) options.say(`        ${finding}`);
    return report;
  };
  for (const target of choose(targets, options.targets))
    for (const fault of choose(faults, options.faults)) {
      let late: EdgeOfPoint[] = [];
      for (const group of groups(orders, random.fork(`${target} ${fault}`), options)) {
        if (Date.now() >= options.until) break;
        late.push(...(await tryRound(group, { target, fault })).missed);
      }
      // Those that come late in their stories meet each other.
      for (let tried = Infinity; late.length > 1 && late.length < tried && Date.now() < options.until;) {
        tried = late.length;
        const missed: EdgeOfPoint[] = [];
        for (const group of evenGroups(late, options.group))
          missed.push(...(Date.now() < options.until ? (await tryRound(group, { target, fault })).missed : group));
        late = missed;
      }
      for (const single of late) {
        if (Date.now() >= options.until) break;
        const { missed } = await tryRound([single], { target, fault });
        if (missed.length > 0)
          findings.push(`${fault} ${target}: point ${single.point.name} (${single.edge}) was never reached`);
      }
    }
  const points = reports.flatMap((report) => report.points);
  const worst = (values: number[]) => Math.max(0, ...values);
  const countHit = (hit: readonly PointReport[]) => new Set(hit.map(({ point, edge }) => `${point} ${edge}`)).size;
  return {
    rounds: round,
    hits: points.length,
    findings,
    details: {
      pointsHit: countHit(points),
      pointsHitOf: Object.fromEntries(
        orders.map(({ name, points: own }) => [
          name,
          countHit(points.filter(({ point }) => own.some((one) => one.name === point))),
        ]),
      ),
      repeatedTexts: points.reduce((sum, { repeatedTexts }) => sum + repeatedTexts, 0),
      textsInFlight: points.reduce((sum, { textsInFlight }) => sum + textsInFlight, 0),
      longestSilenceMs: worst(points.map(({ silentMs }) => silentMs)),
      longestDownMs: worst(reports.map(({ downMs }) => downMs)),
      rounds: reports,
    },
  };
}

const edges = ['before', 'after'] as const;

function groups(
  orders: readonly PointsOrder[],
  random: SeededRandom,
  { points, group }: ScenarioOptions,
): EdgeOfPoint[][] {
  const chosen = orders.flatMap((order) => draw(order, random.fork(order.name), points));
  if (chosen.length === 0) throw new Error(`There is no point named ${points.join(', ')} in this scenario.`);
  return evenGroups(chosen, group);
}

/** As many in each: a last group of one would take as long as a full one. */
function evenGroups<T>(all: readonly T[], most: number): T[][] {
  const count = Math.ceil(all.length / most);
  return Array.from({ length: count }, (_, nth) => all.filter((_one, place) => place % count === nth));
}

function draw({ points: known, sample }: PointsOrder, random: SeededRandom, wanted: readonly string[]): EdgeOfPoint[] {
  const rest = known
    .filter(({ name }) => wanted.length === 0 || wanted.includes(name))
    .flatMap((point) => edges.map((edge): EdgeOfPoint => ({ point, edge })));
  const shuffled: EdgeOfPoint[] = [];
  while (rest.length > 0) shuffled.push(...rest.splice(random.between(0, rest.length - 1), 1));
  if (sample === null) return shuffled;
  // Of a sample each is a point of its own.
  return shuffled.filter(({ point }, n) => shuffled.findIndex((other) => other.point === point) === n).slice(0, sample);
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
  const seconds = (ms: number) => (ms / 1000).toFixed(1);
  const { prepare, gather, end, check } = report.phasesMs;
  return (
    `  ${report.findings.length === 0 ? 'ok  ' : 'FAIL'} ${round}. ${fault} ${target} at ${at}${beside}: ` +
    `down ${downMs} ms, ${repeats} of ${flying} texts in flight paid again, silent ≤ ${silent} ms, ` +
    `${seconds(durationMs)} s (${seconds(prepare)} to prepare, ${seconds(gather)} to gather, ` +
    `${seconds(end)} to end, ${seconds(check)} to check)`
  );
}
