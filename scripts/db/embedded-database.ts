import path from 'node:path';
import { isAlive } from '../../platform/embedded/process-identity.ts';
import { readRunFile } from '../supervisor/run-file.ts';
import { startStack } from '../supervisor/start-stack.ts';
import { readStoredSecret } from '../supervisor/stored-secret.ts';

type Environment = Record<string, string | undefined>;

/**
 * Runs `command` with the address and the secret key of the embedded PostgreSQL of PERDURE_HOME: the one that serves
 * there already, or one that is started for the while.
 */
export async function withEmbeddedDatabase(
  env: Environment,
  command: (env: Environment) => Promise<void>,
): Promise<void> {
  const home = path.resolve(env['PERDURE_HOME'] || '.perdure');
  const run = readRunFile(home);
  if (run?.urls.database && run.state === 'ready' && isAlive(run.supervisor)) {
    await command({
      ...env,
      PERDURE_HOME: home,
      DATABASE_URL: run.urls.database,
      PERDURE_SECRET_KEY: env['PERDURE_SECRET_KEY'] || readStoredSecret(home, 'secret-key'),
    });
    return;
  }
  const stack = await startStack({ home, env, processes: ['postgres'], log: (line) => console.log(line) });
  try {
    await command(stack.env);
  } finally {
    await stack.stop();
  }
}
