import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { createDatabase } from '../../../platform/database.ts';
import type { Database } from '../../../platform/database.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { homeDirectory } from '../../../scripts/setup/installation.mjs';
import { holdStack } from '../../../scripts/supervisor/hold-stack.ts';
import type { HeldStack } from '../../../scripts/supervisor/hold-stack.ts';
import type { ProcessName } from '../../../scripts/supervisor/run-file.ts';
import { startFakeProvider } from '../../support/fake-provider/start-fake-provider.ts';
import { startEffectService } from '../../support/effect-service/start-effect-service.ts';
import type { AroundEffect, EffectService } from '../../support/effect-service/start-effect-service.ts';
import type { FakeProvider } from '../../support/fake-provider/start-fake-provider.ts';
import { ApiClient } from './api-client.ts';
import { startPostgresProxy } from './proxies/postgres-proxy.ts';
import { startProviderProxy } from './proxies/provider-proxy.ts';
import { startTemporalProxy } from './proxies/temporal-proxy.ts';
import { TrapBoard } from './proxies/trap-board.ts';
import type { Sighting } from './proxies/trap-board.ts';
import { openRunFolder } from './run-folder.ts';

/** Workers beside the first one, which may be kept from work. */
export type FurtherWorker = 'stand-in' | 'third-worker';
/** A process of the product. */
export type ProductProcess = 'api' | 'second-api' | 'worker' | FurtherWorker;

const kindOf = {
  api: 'api',
  'second-api': 'api',
  worker: 'worker',
  'stand-in': 'worker',
  'third-worker': 'worker',
} as const;

// Below those that systems give to clients. Each process has one of its own, so that those that start at once do not meet.
const firstPort = 21_000;
const portPlaces = ['api', 'worker', 'stand-in', 'third-worker', 'second-api'];
// A process that is killed again and again would be away for longer each time, which shows nothing of the product.
const longestBackOffMs = 500;

/** Servers, API and workers, each in the care of a supervisor of its own, with proxies between them. */
export interface ProxiedStack {
  readonly api: ApiClient;
  /** Looks at the rows past the proxies, as `perdure check` does. */
  readonly database: Database;
  /** Asks Temporal past the proxies. */
  readonly temporal: Client;
  readonly provider: FakeProvider;
  /** The provider's address for models whose calls may be held. */
  readonly providerUrl: string;
  readonly board: TrapBoard;
  /** What agents' tools call; its effects may be held too. */
  readonly effects: EffectService;
  /** A folder below which sources of the type `file` may read. */
  readonly sourceFolder: string;
  /** Makes a folder that is removed with the stack, or by a later run if this one is cut off. */
  makeFolder(name: string): string;
  /** Asks before each paid call whether the provider is to refuse it with 429; null refuses none. */
  refuseCalls(next: (() => boolean) | null): void;
  /** Home of the supervisor that has the process. */
  homeOf(process: ProductProcess | 'postgres' | 'temporal'): string;
  /** Starts the stand-in if it does not run; `polling` says whether it may take work. */
  useStandIn(polling: boolean): Promise<void>;
  /** The same with a worker beside these two. */
  useThirdWorker(polling: boolean): Promise<void>;
  /** Starts a second API if it does not run; returns a client of both, as one behind a load balancer. */
  useReplicas(): Promise<ApiClient>;
  /** Ends a process as a deploy does and starts its successor, with `settings` over those of the stack. */
  replace(process: ProductProcess, settings: NodeJS.ProcessEnv): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a stack in throw-away homes. `say` hears of each step. */
export async function startProxiedStack(say: (line: string) => void): Promise<ProxiedStack> {
  const { DATABASE_URL: _database, TEMPORAL_ADDRESS: _temporal, PERDURE_PORT: _port, ...ours } = process.env;
  const cache = path.join(homeDirectory(process.env), 'cache');
  const folder = await openRunFolder();
  const sourceFolder = folder.make('files');
  const env = {
    ...ours,
    PERDURE_ENV: 'test',
    PERDURE_WORKFLOW_BUNDLE: await workflowBundle(cache),
    PERDURE_SOURCE_FOLDERS: sourceFolder,
    PERDURE_FETCH_ALLOW: '127.0.0.1',
    // Half of what a start costs a process that is killed again and again; servers that are set up need it once more.
    NODE_COMPILE_CACHE: path.join(cache, 'compiled'),
  };
  // Of this run alone: a process that is replaced must find its port free, whatever other stacks do on this machine.
  const base = firstPort + (process.pid % 1000) * 10;
  const ends: Array<() => Promise<unknown>> = [async () => folder.remove()];
  const homes = new Map<string, string>();
  const held = new Map<string, HeldStack>();
  const hold = async (name: string, processes: ProcessName[], extra: NodeJS.ProcessEnv): Promise<HeldStack> => {
    const home = folder.make(name);
    const own = base + 3 + Math.max(0, portPlaces.indexOf(name));
    const ports = { postgres: base, temporal: base + 1, temporalUi: base + 2, api: own, workerMetrics: own };
    homes.set(name, home);
    const options = { home, cache, env: { ...env, ...extra }, processes, ports, longestBackOffMs, throwAway: true };
    const stack = await holdStack(options);
    held.set(name, stack);
    ends.push(() => stack.stop());
    return stack;
  };
  const stop = async () => {
    // Those that use the servers go first, all at once.
    await Promise.all([...held].map(async ([name, stack]) => name !== 'servers' && stack.stop()));
    for (const end of ends.splice(0).reverse()) await end();
  };
  try {
    say('Starting PostgreSQL, Temporal, the API and a worker, with proxies between them …');
    const servers = await hold('servers', ['postgres', 'temporal'], {});
    const databaseUrl = String(servers.env['DATABASE_URL']);
    const address = String(servers.env['TEMPORAL_ADDRESS']);
    const board = new TrapBoard();
    const provider = await startFakeProvider();
    ends.push(() => provider.stop());
    const providerProxy = await startProviderProxy(provider.url, board);
    ends.push(() => providerProxy.stop());

    const effects = await startEffectService(aroundEffects(board));
    ends.push(() => effects.stop());

    const gates = new Map<string, (open: boolean) => void>();
    const settingsOf = new Map<ProductProcess, NodeJS.ProcessEnv>();
    const start = (name: ProductProcess, settings: NodeJS.ProcessEnv) =>
      hold(name, [kindOf[name]], { ...settingsOf.get(name), ...settings });
    const holdBehindProxies = async (name: ProductProcess, polling: boolean) => {
      const postgres = await startPostgresProxy(name, Number(new URL(databaseUrl).port), board, {
        news: polling,
      });
      const temporal = await startTemporalProxy(name, Number(address.split(':')[1]), board, { polling });
      ends.push(
        () => postgres.stop(),
        () => temporal.stop(),
      );
      gates.set(name, (open) => {
        temporal.setPolling(open);
        postgres.setNews(open);
      });
      const url = new URL(databaseUrl);
      url.port = String(postgres.port);
      settingsOf.set(name, {
        DATABASE_URL: url.href,
        TEMPORAL_ADDRESS: `127.0.0.1:${temporal.port}`,
        PERDURE_SECRET_KEY: String(servers.env['PERDURE_SECRET_KEY']),
      });
      return start(name, {});
    };
    const useWorker = async (name: FurtherWorker, polling: boolean) => {
      const set = gates.get(name);
      if (set) set(polling);
      else await holdBehindProxies(name, polling);
    };
    // The first one is given the key.
    const api = await holdBehindProxies('api', true);
    await holdBehindProxies('worker', true);
    const apiUrl = String(api.urls.api);
    const key = (await readFile(path.join(homes.get('api') ?? '', 'api-key'), 'utf8')).trim();
    const database = createDatabase({ DATABASE_URL: databaseUrl, PERDURE_DATABASE_POOL: 8 }, 'perdure-chaos');
    ends.push(() => database.close());
    const connection = await Connection.connect({ address });
    ends.push(() => connection.close());
    return {
      api: new ApiClient([apiUrl], key),
      database,
      temporal: new Client({ connection, namespace: 'default' }),
      provider,
      providerUrl: providerProxy.url,
      board,
      effects,
      sourceFolder,
      makeFolder: (name) => folder.make(name),
      refuseCalls: (next) => providerProxy.refuseCalls(next),
      homeOf(name) {
        const home = homes.get(name === 'postgres' || name === 'temporal' ? 'servers' : name);
        if (home === undefined) throw new Error(`The stack has no process ${name} at present.`);
        return home;
      },
      useStandIn: (polling) => useWorker('stand-in', polling),
      useThirdWorker: (polling) => useWorker('third-worker', polling),
      async useReplicas() {
        const second = held.get('second-api') ?? (await holdBehindProxies('second-api', true));
        return new ApiClient([apiUrl, String(second.urls.api)], key);
      },
      async replace(name, settings) {
        const former = held.get(name);
        if (former === undefined) throw new Error(`The stack has no process ${name} at present.`);
        await former.stop();
        // An API keeps its address, as it does behind a load balancer.
        const port = former.urls.api === null ? {} : { PERDURE_PORT: new URL(former.urls.api).port };
        await start(name, { ...port, ...settings });
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Shows each request to the board: `before`, it has had no effect yet; `after`, its answer is held back. */
function aroundEffects(board: TrapBoard): AroundEffect {
  return async ({ path: address, body, isGone }, apply) => {
    const sighting: Sighting = {
      process: 'worker',
      via: 'effect',
      what: address.split('?')[0] ?? address,
      within: [],
      mentions: (text) => address.includes(text) || body.includes(text),
    };
    const { before, after } = board.meet(sighting);
    if (before) await before.hold(sighting);
    // Dead by now: its request never arrives.
    if (isGone()) return null;
    const answer = apply();
    if (after) await after.hold(sighting);
    return answer;
  };
}
