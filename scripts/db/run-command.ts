import { ConfigError } from '../../platform/config.ts';
import { StartError } from '../../platform/start-error.ts';
import { SetupFailure } from '../setup/setup-failure.mjs';

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
  if (env['DATABASE_URL']) return command(env);
  // Loaded only here: with a DATABASE_URL nothing of the embedded servers is needed, in an image they are not even there.
  const { withEmbeddedDatabase } = await import('./embedded-database.ts');
  return withEmbeddedDatabase(env, command);
}
