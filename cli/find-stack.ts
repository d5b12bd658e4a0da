import { readFileSync } from 'node:fs';
import path from 'node:path';

/** What `run.json` in a stack's folder tells about the stack on this machine. */
export interface RunFile {
  readonly state: 'starting' | 'ready' | 'stopping' | 'stopped';
  readonly supervisor?: { readonly pid: number };
  readonly processes: Record<
    string,
    { identity: { pid: number } | null; state: string; restarts: number; logFile: string }
  >;
  readonly urls: {
    readonly api: string | null;
    readonly docs: string | null;
    readonly temporal: string | null;
    readonly temporalUi: string | null;
    readonly database: string | null;
  };
}

type Environment = Record<string, string | undefined>;

/** The folder of the stack: PERDURE_HOME, or `.perdure` in the checkout. */
export function findHome(env: Environment, checkout: string): string {
  return path.resolve(env.PERDURE_HOME || path.join(checkout, '.perdure'));
}

/** The state that a supervisor last wrote, null when there is none or it has died since. */
export function readRunFile(home: string): RunFile | null {
  try {
    const run = JSON.parse(readFileSync(path.join(home, 'run.json'), 'utf8')) as RunFile;
    return run.state !== 'stopped' && isAlive(run.supervisor?.pid) ? run : null;
  } catch {
    return null;
  }
}

/** The API's address: PERDURE_URL, else that of the stack on this machine, else the usual one. */
export function findApiUrl(env: Environment, home: string): string {
  const url = env.PERDURE_URL || readRunFile(home)?.urls.api || `http://127.0.0.1:${env.PERDURE_PORT || 7400}`;
  return url.replace(/\/+$/, '');
}

/** The API key: PERDURE_API_KEY, else the one that the first start left in the stack's folder, else null. */
export function findApiKey(env: Environment, home: string): string | null {
  if (env.PERDURE_API_KEY) return env.PERDURE_API_KEY;
  try {
    return readFileSync(path.join(home, 'api-key'), 'utf8').trim() || null;
  } catch {
    return null;
  }
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
