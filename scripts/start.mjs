import { existsSync } from 'node:fs';
import path from 'node:path';
import { checkDisk, checkNode } from './setup/check-machine.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { checkout, homeDirectory, prepareInstallation } from './setup/installation.mjs';
import { runScript } from './setup/setup-failure.mjs';
import { isNode24, runUnderNode24 } from './setup/use-node-24.mjs';

/** `npm start`: brings in what is missing with whatever Node started it, then hands over to the supervisor on Node 24. */
async function main() {
  checkNode();
  const settings = path.join(checkout, '.env');
  if (existsSync(settings)) process.loadEnvFile(settings);
  const { env } = process;
  const home = homeDirectory(env);
  checkDisk(home);
  const log = console.log;
  const fetching = prepareInstallation({ home, env, log });
  const installing = installDependencies({ development: false, env, log });
  await Promise.allSettled([fetching, installing]);
  await fetching;
  await installing;
  const args = process.argv.slice(2);
  if (!isNode24()) process.exit(await runUnderNode24('scripts/supervisor/main.ts', args, env));
  const { supervise } = await import('./supervisor/main.ts');
  await supervise(args, env);
}

await runScript(main);
