import path from 'node:path';
import { reserveFreePort, reservePort } from '../../platform/embedded/free-port.ts';
import type { ReservedPort } from '../../platform/embedded/free-port.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';
import type { ProcessName, StackPorts } from './run-file.ts';

/** Ports that are used where they are free; the next free ones otherwise. */
export const usualPorts = { api: 7400, postgres: 7432, workerMetrics: 7464, temporal: 7233, temporalUi: 8233 } as const;

/** Which ports the stack needs, which it had the last time, and where to look first. */
export interface PortRequest {
  env: NodeJS.ProcessEnv;
  last: StackPorts | null;
  /** Ports of servers that were adopted and keep theirs. */
  kept: Partial<StackPorts>;
  usual: Record<keyof typeof usualPorts, number>;
  needs: Record<ProcessName, boolean>;
  /** Receives each port chosen anew, held so that no other start takes it before its process does. */
  reservations: Map<keyof StackPorts, ReservedPort>;
}

/** Chooses the ports: kept ones, those of the last run, the usual ones, the next free ones, in that order. */
export async function choosePorts({ env, last, kept, usual, needs, reservations }: PortRequest): Promise<StackPorts> {
  const choose = async (name: keyof StackPorts) => {
    const before = last?.[name];
    const reserved = (before ? await reservePort(before) : null) ?? (await reserveFreePort(usual[name]));
    reservations.set(name, reserved);
    return reserved.port;
  };
  const explicit = needs.api ? await reserveExplicitPort(env) : null;
  if (explicit !== null) reservations.set('api', explicit);
  return {
    postgres: needs.postgres ? (kept.postgres ?? (await choose('postgres'))) : null,
    temporal: needs.temporal ? (kept.temporal ?? (await choose('temporal'))) : null,
    temporalUi: needs.temporal ? (kept.temporalUi ?? (await choose('temporalUi'))) : null,
    workerMetrics: needs.worker && !env.PERDURE_METRICS_PORT ? await choose('workerMetrics') : null,
    api: needs.api ? (explicit?.port ?? (await choose('api'))) : null,
  };
}

/** An explicitly chosen port is used or refused, never silently replaced. */
async function reserveExplicitPort(env: NodeJS.ProcessEnv): Promise<ReservedPort | null> {
  if (!env.PERDURE_PORT) return null;
  const port = Number(env.PERDURE_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupFailure(
      `PERDURE_PORT is "${env.PERDURE_PORT}", which is no port. Set it to a number from 1 to 65535, or leave it out for ${usualPorts.api}.`,
    );
  }
  const reserved = await reservePort(port);
  if (reserved !== null) return reserved;
  throw new SetupFailure(
    `Port ${port}, which PERDURE_PORT names for the API, is in use by another process. Stop that process, set ` +
      'PERDURE_PORT to another port, or leave it out: then Perdure takes a free one by itself.',
  );
}

/** The user's settings, and the checks that need no server. Throws a `SetupFailure` for a combination that cannot work. */
export function checkSettings(env: NodeJS.ProcessEnv): void {
  if (env.DATABASE_URL && !env.PERDURE_SECRET_KEY) {
    throw new SetupFailure(
      'DATABASE_URL is set but PERDURE_SECRET_KEY is not. Secrets in the database are sealed with that key, and replicas ' +
        'on one database must share it, so none is invented here. Make one with "openssl rand -base64 32", keep it safe, ' +
        'and set it for every API and worker of this database.',
    );
  }
}

/** Folders of one home. */
export function homeLayout(home: string) {
  return {
    postgres: path.join(home, 'postgres'),
    temporal: path.join(home, 'temporal.db'),
    logs: path.join(home, 'logs'),
  };
}
