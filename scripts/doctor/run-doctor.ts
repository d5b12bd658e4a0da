import { parseArgs, styleText } from 'node:util';
import { homeDirectory } from '../setup/installation.mjs';
import { checkDatabaseServer } from './check-database-server.ts';
import { checkMachine } from './check-machine.ts';
import { checkTemporalServer } from './check-temporal-server.ts';
import { failed, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

// Reads DATABASE_URL, TEMPORAL_* and PERDURE_URL, which `perdure doctor` fills in from the stack that runs.
const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const { env } = process;

/** Every group of checks, the machine first; a group that breaks is a finding, not the end. */
const groups: readonly [string, () => Promise<Finding[]>][] = [
  ['machine', () => checkMachine(homeDirectory(env), env)],
  ['database', async () => (env.DATABASE_URL ? checkDatabaseServer(env.DATABASE_URL) : [notRunning('database')])],
  ['temporal', async () => (isTemporalSet() ? checkTemporalServer() : [notRunning('temporal')])],
  ['api', async () => [await checkApi(env.PERDURE_URL)]],
];

let worst = 0;
for (const [name, group] of groups) {
  for (const finding of await group().catch((error: unknown) => [broken(name, error)])) {
    show(finding);
    if (finding.state === 'failed') worst = 1;
  }
}
process.exitCode = worst;

function isTemporalSet(): boolean {
  return Object.keys(env).some((name) => name.startsWith('TEMPORAL_'));
}

function notRunning(name: string): Finding {
  return warning(name, 'nothing runs here', 'Start the stack with "npm start", then ask again.');
}

function broken(name: string, error: unknown): Finding {
  const reason = error instanceof Error ? error.message : String(error);
  return failed(name, `the check itself failed: ${reason}`, 'Look at the logs in PERDURE_HOME/logs.');
}

async function checkApi(url: string | undefined): Promise<Finding> {
  if (!url) return notRunning('api');
  try {
    const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) });
    const { checks } = (await response.json()) as { checks: { state: string; detail: string }[] };
    if (response.ok) return ok('api', `ready at ${url}`);
    const down = checks.filter(({ state }) => state === 'down').map(({ detail }) => detail);
    return failed('api', `answers at ${url} but is not ready`, down.join(' '));
  } catch {
    if (!env.DATABASE_URL && !isTemporalSet()) return notRunning('api');
    return failed(
      'api',
      `does not answer at ${url}`,
      'Start it with "npm start", or set PERDURE_URL to where it runs.',
    );
  }
}

function show(finding: Finding): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify(finding)}\n`);
    return;
  }
  const style = { ok: 'green', warning: 'yellow', failed: 'red' } as const;
  const state = finding.state.padEnd(8);
  const shown = process.stdout.isTTY ? styleText(style[finding.state], state) : state;
  process.stdout.write(`${shown} ${finding.check.padEnd(18)} ${finding.found}\n`);
  if (finding.advice !== null) process.stdout.write(`         ${' '.repeat(18)} ${finding.advice}\n`);
}
