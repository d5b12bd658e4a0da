import { appendFileSync, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { startProxiedStack } from './harness/proxied-stack.ts';
import { faults, targets } from './harness/scenario.ts';
import type { Scenario, ScenarioOptions } from './harness/scenario.ts';
import { runPoints } from './harness/run-points.ts';
import { chaosPoints, scenarios } from './harness/scenarios.ts';
import { seededRandom } from './harness/seeded-random.ts';
import { tabulateReports } from './harness/tabulate-reports.ts';
import type { WrittenReport } from './harness/tabulate-reports.ts';

const usage = `Usage: npm run chaos -- --scenario NAME|all [--seed N] [--rounds N] [--json] [--report FILE]
       npm run chaos -- --scenario saga-points|batch-points|sync-points|model-points|maintain-points|turn-points|evaluation-points|memory-points[:SAMPLE] [--point NAME] [--victim NAME] [--hit kill|freeze] [--group N] [--together] [--minutes N]
       npm run chaos -- --scenario interleavings [--count N] [--minutes N]
       npm run chaos -- --scenario schedules[:INTERVALS]
       npm run chaos -- --scenario conversations[:HOW-MANY] [--seconds N] [--victim NAME] [--hit kill|freeze]
       npm run chaos -- --table FILE [--table FILE]
       npm run chaos -- --list`;

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    scenario: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    point: { type: 'string', multiple: true, default: [] },
    victim: { type: 'string', multiple: true, default: [] },
    hit: { type: 'string', multiple: true, default: [] },
    group: { type: 'string', default: '6' },
    // Points of all the scenarios that are named meet in the same rounds.
    together: { type: 'boolean', default: false },
    count: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '180' },
    // Points and interleavings begin nothing more after so long.
    minutes: { type: 'string' },
    json: { type: 'boolean', default: false },
    // One line for each scenario that has ended, behind those that are there.
    report: { type: 'string' },
    table: { type: 'string', multiple: true, default: [] },
  },
});

const say = (line: string) => void (values.json ? process.stderr : process.stdout).write(`${line}\n`);

if (values.table.length > 0) {
  const lines = values.table.flatMap((file) => readFileSync(file, 'utf8').trim().split('\n'));
  process.stdout.write(tabulateReports(lines.map((line) => JSON.parse(line) as WrittenReport)));
} else if (values.list) {
  for (const { name } of scenarios) process.stdout.write(`${name}\n`);
  for (const [scenario, points] of Object.entries(chaosPoints))
    process.stdout.write(`\nPoints of ${scenario}:\n${points.map(({ name }) => `  ${name}\n`).join('')}`);
} else {
  const named: Chosen[] = values.scenario.includes('all')
    ? scenarios.map((scenario) => ({ scenario, sample: null }))
    : values.scenario.map((order) => {
        const [name = '', sample] = order.split(':');
        const scenario = oneOf(scenarios, ({ name: own }) => own, name);
        return { scenario, sample: sample === undefined ? null : wholeNumber('The number behind a scenario', sample) };
      });
  const rounds = wholeNumber('--rounds', values.rounds);
  if (named.length === 0) fail(usage);
  // A workspace whose only model is paid by the call serves no scenario that expects the local one.
  const met = values.together ? meetTogether(named) : named;
  const chosen = met.toSorted((a, b) => Number(a.scenario.paidModel) - Number(b.scenario.paidModel));
  process.exitCode = (await runChaos(chosen, rounds, {
    seed: wholeNumber('--seed', values.seed),
    points: values.point.map((name) => oneOf(Object.values(chaosPoints).flat(), ({ name: own }) => own, name).name),
    targets: values.victim.map((name) => oneOf(targets, (own) => own, name)),
    faults: values.hit.map((name) => oneOf(faults, (own) => own, name)),
    group: wholeNumber('--group', values.group),
    count: wholeNumber('--count', values.count),
    seconds: wholeNumber('--seconds', values.seconds),
    until: values.minutes === undefined ? Infinity : Date.now() + 60_000 * wholeNumber('--minutes', values.minutes),
    say,
  }))
    ? 0
    : 1;
}

type Chosen = { scenario: Scenario; sample: number | null };

/** Makes one of the scenarios that have points. */
function meetTogether(named: readonly Chosen[]): Chosen[] {
  const [others, withPoints] = [[], []] as [Chosen[], Chosen[]];
  for (const one of named) (one.scenario.name in chaosPoints ? withPoints : others).push(one);
  const orders = withPoints.map(({ scenario: { name }, sample }) => ({ name, points: chaosPoints[name]!, sample }));
  if (orders.length < 2) return [...named];
  const name = orders.map((order) => order.name).join('+');
  const run: Scenario['run'] = (stack, random, options) => runPoints(stack, random, options, orders);
  return [{ scenario: { name, paidModel: true, run }, sample: null }, ...others];
}

async function runChaos(
  chosen: readonly Chosen[],
  rounds: number,
  options: Omit<ScenarioOptions, 'round' | 'sample'>,
): Promise<boolean> {
  const reports: WrittenReport[] = [];
  const stack = await startProxiedStack(say);
  try {
    for (const { scenario, sample } of chosen)
      for (let round = 1; round <= rounds; round += 1) {
        const began = performance.now();
        const random = seededRandom(options.seed).fork(`${scenario.name} ${round}`);
        const report = await scenario.run(stack, random, { ...options, round, sample });
        const durationMs = Math.round(performance.now() - began);
        const written = { scenario: scenario.name, seed: options.seed, round, durationMs, ...report };
        reports.push(written);
        if (values.report !== undefined) appendFileSync(values.report, `${JSON.stringify(written)}\n`);
        say(
          `${report.findings.length === 0 ? 'passed' : 'FAILED'}  ${scenario.name}  seed ${options.seed}, round ${round}: ` +
            `${report.rounds} rounds, ${report.hits} hits that met work, ${(durationMs / 1000).toFixed(1)} s`,
        );
        for (const finding of report.findings) say(`        ${finding}`);
      }
  } finally {
    await stack.stop();
  }
  const ok = reports.length > 0 && reports.every((report) => report.findings.length === 0);
  if (values.json) process.stdout.write(`${JSON.stringify({ ok, reports })}\n`);
  return ok;
}

function oneOf<T>(all: readonly T[], nameOf: (value: T) => string, name: string): T {
  const found = all.find((value) => nameOf(value) === name);
  return found ?? fail(`There is no "${name}". --list names scenarios and points.`);
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text);
  return Number.isSafeInteger(value) && value >= 1 ? value : fail(`${option} takes a whole number from 1.`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}
