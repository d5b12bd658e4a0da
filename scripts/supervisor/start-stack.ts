import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { EmbeddedServerError } from '../../platform/embedded/embedded-server-error.ts';
import {
  createCluster,
  createLoginAndDatabase,
  loginUrl,
  planPostgres,
} from '../../platform/embedded/postgres-cluster.ts';
import { planTemporal } from '../../platform/embedded/temporal-server.ts';
import { checkDisk } from '../setup/check-machine.mjs';
import { checkout, prepareInstallation } from '../setup/installation.mjs';
import { SetupFailure } from '../setup/setup-failure.mjs';
import { findOrphans } from './find-orphans.ts';
import type { Orphans } from './find-orphans.ts';
import { lockHome } from './home-lock.ts';
import { answersOk, planNodeProcess } from './node-process.ts';
import { processNames, readRunFile } from './run-file.ts';
import type { ProcessName } from './run-file.ts';
import { Stack } from './stack.ts';
import { checkSettings, choosePorts, homeLayout, usualPorts } from './stack-settings.ts';
import { readStoredSecret } from './stored-secret.ts';

/** What to start, where, and with which settings. */
export interface StackOptions {
  /** Folder of all data, logs and secrets of this stack. */
  home: string;
  /** The user's settings; DATABASE_URL and TEMPORAL_ADDRESS in it take the place of the embedded servers. */
  env: NodeJS.ProcessEnv;
  /** Folder of the fetched programs, `<home>/cache` by default. */
  cache?: string;
  /** All four by default; without `api` and `worker` no migration is run either. */
  processes?: readonly ProcessName[];
  /** Where to look for free ports first; tests look away from the usual ones. */
  ports?: Partial<Record<keyof typeof usualPorts, number>>;
  /** The longest time before a process that ends again and again is started once more, 10 s by default. */
  longestBackOffMs?: number;
  /** Receives what the supervisor and the preparing scripts have to say. */
  log?: (line: string) => void;
  /** Receives every line that a process logs. */
  onOutput?: (name: ProcessName, line: string) => void;
  /** Stops what was started so far; `startStack` then throws. */
  signal?: AbortSignal;
}

/**
 * Starts PostgreSQL and Temporal (taking over those that a killed supervisor left), prepares them, then starts the API
 * and the worker, and returns when all are ready. If any part fails, everything is stopped again and the error thrown.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { env, log = () => {}, onOutput = () => {}, processes = processNames, longestBackOffMs } = options;
  checkSettings(env);
  checkDisk(options.home);
  // One folder must have one name, or a lock or a running server would be overlooked through a symbolic link.
  const home = realpathSync(options.home);
  const unlock = await lockHome(home);
  const stack = new Stack({ home, env: { ...env, PERDURE_HOME: home }, longestBackOffMs, log, onOutput, unlock });
  const abort = () => void stack.stop();
  options.signal?.addEventListener('abort', abort, { once: true });
  try {
    options.signal?.throwIfAborted();
    await startServers(stack, { ...options, home, log, processes });
    if (processes.includes('api') || processes.includes('worker')) await startProduct(stack, log, processes);
    stack.save('ready');
    return stack;
  } catch (error) {
    await stack.stop();
    throw error instanceof EmbeddedServerError ? new SetupFailure(error.message, { cause: error }) : error;
  } finally {
    options.signal?.removeEventListener('abort', abort);
  }
}

type Resolved = StackOptions & { log: (line: string) => void; processes: readonly ProcessName[] };

async function startServers(stack: Stack, options: Resolved): Promise<void> {
  const { home, env, cache, log, processes } = options;
  const wanted = {
    postgres: processes.includes('postgres') && !env.DATABASE_URL,
    temporal: processes.includes('temporal') && !env.TEMPORAL_ADDRESS,
  };
  const installation = await prepareInstallation({ home, env, log, ...(cache === undefined ? {} : { cache }) });
  const last = readRunFile(home);
  const orphans = await findOrphans(home, last, wanted, log);
  stack.ports = await choosePorts({
    env,
    last: last?.ports ?? null,
    kept: orphans.ports,
    usual: { ...usualPorts, ...options.ports },
    needs: { ...wanted, api: processes.includes('api'), worker: processes.includes('worker') },
    reservations: stack.reservations,
  });
  stack.env.PERDURE_SECRET_KEY ||= readStoredSecret(home, 'secret-key');
  await Promise.all([
    installation.postgresBin !== null && startPostgres(stack, installation.postgresBin, orphans),
    installation.temporal !== null && startTemporal(stack, installation.temporal, orphans),
  ]);
}

async function startPostgres(stack: Stack, bin: string, orphans: Orphans): Promise<void> {
  const { port } = { port: stack.ports.postgres };
  if (port === null) return;
  const password = readStoredSecret(stack.home, 'database-password');
  const cluster = { bin, directory: homeLayout(stack.home).postgres, password };
  await createCluster(cluster);
  await stack.run(planPostgres({ ...cluster, port }), orphans.postgres);
  await createLoginAndDatabase(port, password);
  stack.urls.database = loginUrl(port, password);
  stack.env.DATABASE_URL = stack.urls.database;
}

async function startTemporal(stack: Stack, executable: string, orphans: Orphans): Promise<void> {
  const { temporal: port, temporalUi: uiPort } = stack.ports;
  if (port === null || uiPort === null) return;
  const databaseFile = homeLayout(stack.home).temporal;
  await stack.run(planTemporal({ executable, databaseFile, port, uiPort }), orphans.temporal);
  stack.urls.temporal = `127.0.0.1:${port}`;
  stack.urls.temporalUi = `http://127.0.0.1:${uiPort}`;
  stack.env.TEMPORAL_ADDRESS = stack.urls.temporal;
  stack.env.PERDURE_TEMPORAL_UI_URL = stack.urls.temporalUi;
  await requireScript(stack, 'scripts/supervisor/prepare-temporal.ts', ['--owned'], () => {});
}

async function startProduct(
  stack: Stack,
  log: (line: string) => void,
  processes: readonly ProcessName[],
): Promise<void> {
  if (stack.urls.temporal === null) await requireScript(stack, 'scripts/supervisor/prepare-temporal.ts', [], log);
  await requireScript(stack, 'scripts/db/upgrade.ts', [], log);
  // The API shows the worker's metrics with its own, so both must know where the worker serves them.
  stack.env.PERDURE_METRICS_PORT ||= String(stack.ports.workerMetrics ?? 0);
  const api = stack.ports.api === null ? null : `http://127.0.0.1:${stack.ports.api}`;
  if (api !== null) {
    stack.env.PERDURE_PORT = String(stack.ports.api);
    stack.urls.api = api;
    stack.urls.docs = `${api}/docs`;
  }
  // /readyz also asks Temporal whether a worker polls.
  const whole = api !== null && processes.includes('worker');
  await Promise.all([
    api !== null && stack.run(planNodeProcess('api', () => answersOk(`${api}/livez`))),
    processes.includes('worker') &&
      stack.run(planNodeProcess('worker', () => (whole ? answersOk(`${api}/readyz`) : Promise.resolve(true)))),
  ]);
}

/** Runs a preparing script; what it prints as an error is the message if it fails. */
async function requireScript(stack: Stack, script: string, args: string[], log: (line: string) => void): Promise<void> {
  if (!existsSync(path.join(checkout, script))) throw new Error(`${script} is missing from this checkout.`);
  const errors: string[] = [];
  const code = await stack.runScript(script, args, (line, isError) => (isError ? errors.push(line) : log(line)));
  const message = errors.join('\n').trim();
  if (code !== 0) throw new SetupFailure(message || `${script} failed with exit code ${code}.`);
  if (message !== '') log(message);
}
