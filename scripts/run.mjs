import { checkNode } from './setup/check-machine.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { homeDirectory, prepareInstallation } from './setup/installation.mjs';
import { runScript } from './setup/setup-failure.mjs';
import { runUnderNode24 } from './setup/use-node-24.mjs';

/** `node scripts/run.mjs SCRIPT …`: brings in what is missing, then runs a TypeScript script of ours on Node 24. */
async function main() {
  checkNode();
  const [script, ...args] = process.argv.slice(2);
  if (script === undefined) throw new Error('Usage: node scripts/run.mjs SCRIPT [ARGUMENT …]');
  const { env } = process;
  // What a script prints may be read by a program, so progress goes to the other stream.
  const log = (/** @type {string} */ line) => console.error(line);
  await installDependencies({ development: true, env, log });
  await prepareInstallation({ home: homeDirectory(env), env, log });
  process.exit(await runUnderNode24(script, args, env));
}

await runScript(main);
