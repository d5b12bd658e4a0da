import { setTimeout as delay } from 'node:timers/promises';
import { findRunningCluster } from '../../platform/embedded/postgres-cluster.ts';
import { isAlive } from '../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';
import type { RunFile, StackPorts } from './run-file.ts';
import { homeLayout } from './stack-settings.ts';

const politeMs = 3000;

/** Servers that a killed supervisor left running and that the next one takes over, with their ports. */
export interface Orphans {
  postgres: ProcessIdentity | null;
  temporal: ProcessIdentity | null;
  ports: Partial<StackPorts>;
}

/**
 * Looks for what a killed supervisor left in this home. PostgreSQL and Temporal go on where they are still wanted; the API
 * and the worker are ended, because their settings and sources may have changed.
 */
export async function findOrphans(
  home: string,
  last: RunFile | null,
  wanted: { postgres: boolean; temporal: boolean },
  log: (line: string) => void,
): Promise<Orphans> {
  const living = (name: keyof RunFile['processes']) => {
    const identity = last?.processes[name]?.identity ?? null;
    return identity !== null && isAlive(identity) ? identity : null;
  };
  await Promise.all([end('api', living('api'), log), end('worker', living('worker'), log)]);
  const cluster = findRunningCluster(homeLayout(home).postgres);
  const temporal = living('temporal');
  if (!wanted.temporal) await end('temporal', temporal, log);
  if (!wanted.postgres) await end('postgres', cluster, log);
  const adopted: Orphans = { postgres: null, temporal: null, ports: {} };
  if (wanted.postgres && cluster !== null) {
    adopted.postgres = { pid: cluster.pid, startedAt: cluster.startedAt };
    adopted.ports.postgres = cluster.port;
    log(`postgres from an earlier start is still running (pid ${cluster.pid}); taking it over`);
  }
  if (wanted.temporal && temporal !== null) {
    adopted.temporal = temporal;
    adopted.ports.temporal = last?.ports.temporal ?? null;
    adopted.ports.temporalUi = last?.ports.temporalUi ?? null;
    log(`temporal from an earlier start is still running (pid ${temporal.pid}); taking it over`);
  }
  return adopted;
}

async function end(name: string, identity: ProcessIdentity | null, log: (line: string) => void): Promise<void> {
  if (identity === null) return;
  log(`${name} from an earlier start is still running (pid ${identity.pid}); ending it`);
  process.kill(identity.pid, name === 'postgres' ? 'SIGINT' : 'SIGTERM');
  process.kill(identity.pid, 'SIGCONT');
  const deadline = performance.now() + politeMs;
  while (isAlive(identity)) {
    if (performance.now() > deadline) process.kill(identity.pid, 'SIGKILL');
    await delay(50);
  }
}
