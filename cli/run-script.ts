import { spawn } from 'node:child_process';
import path from 'node:path';
import { readRunFile } from './find-stack.ts';
import type { CommandContext } from './command.ts';

/**
 * Runs a script of the checkout in this terminal and gives its exit code. The addresses of the stack on this machine
 * stand in for settings that the user did not make.
 */
export async function runScript(context: CommandContext, script: string, args: readonly string[]): Promise<number> {
  const { env, checkout, home, signal } = context;
  const urls = readRunFile(home)?.urls;
  const child = spawn(process.execPath, [path.join(checkout, script), ...args], {
    cwd: checkout,
    stdio: 'inherit',
    env: {
      ...env,
      PERDURE_HOME: home,
      ...(!env.DATABASE_URL && urls?.database ? { DATABASE_URL: urls.database } : {}),
      ...(!env.TEMPORAL_ADDRESS && urls?.temporal ? { TEMPORAL_ADDRESS: urls.temporal } : {}),
      PERDURE_URL: context.api.url,
    },
  });
  signal.addEventListener('abort', () => child.kill('SIGTERM'));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
