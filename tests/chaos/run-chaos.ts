import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { createDatabase } from '../../platform/database.ts';
import { homeDirectory } from '../../scripts/setup/installation.mjs';
import { holdStack } from '../../scripts/supervisor/hold-stack.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { ApiClient } from './harness/api-client.ts';
import { runRound, type RoundReport } from './harness/run-round.ts';
import { scenarios, type Scenario } from './harness/scenario.ts';
import { seededRandom } from './harness/seeded-random.ts';

const usage = `Usage: npm run chaos -- --scenario NAME|all [--seed N] [--rounds N] [--json]
       npm run chaos -- --list`;

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    scenario: { type: 'string', multiple: true, default: [] },
    seed: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});

if (values.list) {
  for (const scenario of scenarios) process.stdout.write(`${scenario.name}\n`);
} else {
  const chosen = values.scenario.includes('all')
    ? scenarios
    : values.scenario.map((name) => {
        const scenario = scenarios.find((candidate) => candidate.name === name);
        if (!scenario) fail(`There is no scenario "${name}". --list names them.`);
        return scenario;
      });
  const seed = Number(values.seed);
  const rounds = Number(values.rounds);
  if (chosen.length === 0 || !Number.isSafeInteger(seed) || !Number.isSafeInteger(rounds) || rounds < 1) fail(usage);
  process.exitCode = (await runChaos(chosen, seed, rounds, values.json)) ? 0 : 1;
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

async function runChaos(chosen: readonly Scenario[], seed: number, rounds: number, json: boolean): Promise<boolean> {
  const say = (line: string) => void (json || process.stdout.write(`${line}\n`));
  const home = await mkdtemp(path.join(tmpdir(), 'perdure-chaos-'));
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, ...env } = process.env;
  say(`Starting a stack of its own in ${home} …`);
  const stack = await holdStack({
    home,
    cache: path.join(homeDirectory(process.env), 'cache'),
    env: { ...env, PERDURE_ENV: 'test' },
    ports: { api: 7480, postgres: 7490, temporal: 7500, temporalUi: 7510 },
    throwAway: true,
  });
  const provider = await startFakeProvider();
  const database = createDatabase(
    { DATABASE_URL: String(stack.env.DATABASE_URL), PERDURE_DATABASE_POOL: 8 },
    'perdure-chaos',
  );
  const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
  const reports: Array<RoundReport & { scenario: string }> = [];
  try {
    const key = (await readFile(path.join(home, 'api-key'), 'utf8')).trim();
    for (const scenario of chosen)
      for (let round = 1; round <= rounds; round += 1) {
        const report = await runRound(
          scenario,
          home,
          {
            api: new ApiClient(String(stack.urls.api), key),
            database,
            temporal: new Client({ connection, namespace: 'default' }),
            providerUrl: provider.url,
            random: seededRandom(seed).fork(`${scenario.name} ${round}`),
            round: `${scenario.name}-${round}`,
          },
          { round, seed },
        );
        reports.push({ scenario: scenario.name, ...report });
        const verdict = report.findings.length === 0 ? 'passed' : 'FAILED';
        say(
          `${verdict}  ${scenario.name}  seed ${seed}, round ${round}: ${report.countingHits} of ${report.hits.length} hits ` +
            `met work under way, ${(report.durationMs / 1000).toFixed(1)} s`,
        );
        for (const finding of report.findings) say(`        ${finding}`);
      }
  } finally {
    await connection.close();
    await database.close();
    await provider.stop();
    await stack.stop();
  }
  const ok = reports.length > 0 && reports.every((report) => report.findings.length === 0);
  if (json) process.stdout.write(`${JSON.stringify({ ok, reports })}\n`);
  return ok;
}
