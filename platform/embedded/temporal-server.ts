import { connect } from 'node:net';
import { searchAttributeNames } from '../../contracts/names/search-attributes.ts';
import type { LaunchPlan } from './launch-plan.ts';

/** Which binary, database file and ports the embedded Temporal server uses. */
export interface TemporalServerOptions {
  executable: string;
  /** SQLite file that holds every workflow; made on first use. */
  databaseFile: string;
  port: number;
  uiPort: number;
}

/** How to run Temporal's own server on a file database, tuned for the short steps of a conversation. */
export function planTemporal({ executable, databaseFile, port, uiPort }: TemporalServerOptions): LaunchPlan {
  return {
    name: 'temporal',
    command: executable,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
      ...['--db-filename', databaseFile, '--log-level', 'warn', '--ui-disable-news-fetch'],
      // In WAL mode a commit that was acknowledged survives the death of the server; synchronous=NORMAL gives up only the
      // last commits before a power cut, and saves an fsync per step.
      ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
      ...Object.entries(dynamicConfig).flatMap(([key, value]) => ['--dynamic-config-value', `${key}=${value}`]),
      ...searchAttributeNames.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ],
    env: { TZ: 'UTC' },
    cwd: '/',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 2500,
    readyTimeoutMs: 60_000,
    isReady: () => acceptsConnections(port),
  };
}

/** The history queue of a one-shard server polls 20 times a second by default: alone that makes 50 ms steps. */
const dynamicConfig = {
  'history.transferProcessorMaxPollRPS': 2000,
  'history.timerProcessorMaxPollRPS': 2000,
  'history.visibilityProcessorMaxPollRPS': 2000,
  'system.enableActivityEagerExecution': true,
};

function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    const finish = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    socket.once('timeout', () => finish(false));
  });
}
