import { checkNode } from './setup/check-machine.mjs';
import { installDependencies } from './setup/install-dependencies.mjs';
import { runScript } from './setup/setup-failure.mjs';
import { runUnderNode24 } from './setup/use-node-24.mjs';

/** `npm test`: installs what the tests need, then runs jest; everything after `--` goes to jest. */
async function main() {
  checkNode();
  await installDependencies({ development: true, env: process.env, log: console.log });
  // Jest loads ES modules through Node's vm modules, which Node still calls experimental.
  const NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --experimental-vm-modules --disable-warning=ExperimentalWarning`;
  // Stands if jest ends before it could run a test.
  let closingLine = '0 passed, 1 failed';
  const jest = 'node_modules/jest/bin/jest.js';
  const code = await runUnderNode24(jest, process.argv.slice(2), { ...process.env, NODE_OPTIONS }, (message) => {
    if (typeof message === 'object' && message !== null && 'closingLine' in message) {
      closingLine = String(message.closingLine);
    }
  });
  console.log(closingLine);
  process.exit(code);
}

await runScript(main);
