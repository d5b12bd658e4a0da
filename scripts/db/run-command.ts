import path from 'node:path';
import { isAlive } from '../../platform/embedded/process-identity.ts';
import { ConfigError } from '../../platform/config.ts';
import { StartError } from '../../platform/start-error.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';
import { readRunFile } from '../supervisor/run-file.ts';
import { startStack } from '../supervisor/start-stack.ts';
import { readStoredSecret } from '../supervisor/stored-secret.ts';

type Environment = Record<string, string | undefined>;

/**
 * Runs a database command with an environment in which DATABASE_URL is set: the user's own, that of the stack which runs
 * on PERDURE_HOME, or that of the embedded PostgreSQL, started for the while. A failure that the user can mend is printed
 * as its message alone; any failure makes the exit code 1.
 */
export async function runCommand(command: (env: Environment) => Promise<void>): Promise<void> {
  try {
    await withDatabase(process.env, command);
  } catch (error) {
    const plain = error instanceof StartError || error instanceof ConfigError || error instanceof SetupFailure;
    console.error(plain ? error.message : error);
    process.exitCode = 1;
  }
}

async function withDatabase(env: Environment, command: (env: Environment) => Promise<void>): Promise<void> {
  if (env.DATABASE_URL) return command(env);
  const home = path.resolve(env.PERDURE_HOME || '.perdure');
  const run = readRunFile(home);
  if (run?.urls.database && isAlive(run.supervisor)) {
    return command({
      ...env,
      PERDURE_HOME: home,
      DATABASE_URL: run.urls.database,
      PERDURE_SECRET_KEY: env.PERDURE_SECRET_KEY || readStoredSecret(home, 'secret-key'),
    });
  }
  const stack = await startStack({ home, env: process.env, processes: ['postgres'], log: (line) => console.log(line) });
  try {
    await command(stack.env);
  } finally {
    await stack.stop();
  }
}
