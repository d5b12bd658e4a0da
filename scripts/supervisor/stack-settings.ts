import path from 'node:path';
import { findFreePort, isPortFree } from '../../platform/embedded/free-port.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';
import type { StackPorts } from './run-file.ts';

/** Ports that are used where they are free; the next free ones otherwise. */
export const usualPorts = { api: 7400, postgres: 7432, temporal: 7233, temporalUi: 8233 } as const;

/** Which ports the stack needs, which it had the last time, and where to look first. */
export interface PortRequest {
  env: NodeJS.ProcessEnv;
  last: StackPorts | null;
  /** Ports of servers that were adopted and keep theirs. */
  kept: Partial<StackPorts>;
  usual: Record<keyof typeof usualPorts, number>;
  needs: Record<'postgres' | 'temporal' | 'api', boolean>;
}

/** Chooses the ports: kept ones, those of the last run, the usual ones, the next free ones, in that order. */
export async function choosePorts({ env, last, kept, usual, needs }: PortRequest): Promise<StackPorts> {
  const taken = new Set<number>();
  const choose = async (name: keyof StackPorts) => {
    const before = last?.[name];
    const port = kept[name] ?? (before && (await isPortFree(before)) ? before : await findFreePort(usual[name], taken));
    taken.add(port);
    return port;
  };
  return {
    postgres: needs.postgres ? await choose('postgres') : null,
    temporal: needs.temporal ? await choose('temporal') : null,
    temporalUi: needs.temporal ? await choose('temporalUi') : null,
    api: needs.api ? ((await explicitPort(env)) ?? (await choose('api'))) : null,
  };
}

/** An explicitly chosen port is used or refused, never silently replaced. */
async function explicitPort(env: NodeJS.ProcessEnv): Promise<number | null> {
  if (!env.PERDURE_PORT) return null;
  const port = Number(env.PERDURE_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new SetupFailure(
      `PERDURE_PORT is "${env.PERDURE_PORT}", which is no port. Set it to a number from 1 to 65535, or leave it out for ${usualPorts.api}.`,
    );
  }
  if (await isPortFree(port)) return port;
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
