import { checkNode } from './setup/check-machine.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { runScript } from './setup/setup-failure.mjs';
import { continueUnderNode24 } from './setup/use-node-24.mjs';

/** `npm test`: installs what the tests need, then runs jest; everything after `--` goes to jest. */
async function main() {
  checkNode();
  await installDependencies({ development: true, env: process.env, log: console.log });
  // Jest loads ES modules through Node's vm modules, which Node still calls experimental.
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`;
  await continueUnderNode24('node_modules/jest/bin/jest.js', process.argv.slice(2), { ...process.env, NODE_OPTIONS });
}

await runScript(main);
