import { fork } from 'node:child_process';
import path from 'node:path';

/** A helper process of a bench. */
export interface Child<Ready> {
  /** What it sent when it was ready. */
  readonly ready: Ready;
  stop(): void;
}

/** Runs `module` (relative to bench/) and waits until it sends its first message. It ends when this process does. */
export async function startChild<Ready>(
  module: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Child<Ready>> {
  const child = fork(path.join(import.meta.dirname, '..', module), args, { env, execArgv: [] });
  const ready = await new Promise<Ready>((resolve, reject) => {
    child.once('message', (message) => resolve(message as Ready));
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`${module} ended with code ${code} before it was ready.`)));
  });
  return { ready, stop: () => void child.kill('SIGKILL') };
}
