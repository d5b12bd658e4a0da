import { identifyProcess, isAlive, readCommandLine, readParent } from '../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../platform/embedded/process-identity.ts';

const everyMs = 1000;
/** Between npm and this process there may be a shell, and the Node that npm started. */
const longestDistance = 4;

/** Tells when the supervisor should stop. */
export interface End {
  signal: AbortSignal;
  reached: Promise<void>;
}

/**
 * Ends on SIGINT, SIGTERM and SIGHUP, and when the process that started this one is gone: killed with -9, a launcher
 * passes no signal on, and nobody would be left to stop the servers.
 */
export function watchForEnd(env: NodeJS.ProcessEnv): End {
  const controller = new AbortController();
  const end = (reason: string) => controller.abort(new Error(reason));
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => end(`Stopped by ${name}.`));
  process.once('disconnect', () => end('Stopped: the process that started this one is gone.'));
  const npm = env.npm_lifecycle_event === undefined ? null : findNpm();
  if (npm !== null) {
    setInterval(() => {
      if (!isAlive(npm)) end('Stopped: npm is gone.');
    }, everyMs).unref();
  }
  const { signal } = controller;
  return {
    signal,
    reached: new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true })),
  };
}

function findNpm(): ProcessIdentity | null {
  let pid: number | null = process.ppid;
  for (let distance = 0; pid !== null && distance < longestDistance; distance += 1) {
    if (/^npm |\/npm(-cli\.js)? /.test(`${readCommandLine(pid)} `)) return identifyProcess(pid);
    pid = readParent(pid);
  }
  return null;
}
