import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { checkout } from './installation.mjs';
import { SetupFailure } from './setup-failure.mjs';

const neededMajor = 24;

/** Whether this process is a Node that runs the TypeScript sources as they are. */
export function isNode24() {
  return Number(process.versions.node.split('.')[0]) >= neededMajor;
}

/**
 * Runs a script with the Node 24 that the dependencies brought, as if it had been this process: same terminal and same
 * signals. If this process is killed, the script sees its message channel close. Resolves to the script's exit code.
 * @param {string} script @param {readonly string[]} args @param {NodeJS.ProcessEnv} env
 * @param {(message: unknown) => void} [onMessage] @returns {Promise<number>}
 */
export async function runUnderNode24(script, args, env, onMessage = () => {}) {
  const child = spawn(node24(), [path.join(checkout, script), ...args], {
    cwd: checkout,
    env,
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  child.on('message', onMessage);
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal));
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function node24() {
  if (isNode24()) return process.execPath;
  const brought = path.join(checkout, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node');
  if (existsSync(brought)) return brought;
  throw new SetupFailure(
    `Perdure runs on Node ${neededMajor} or newer. On Linux it brings its own; for this machine (${process.platform} ` +
      `${process.arch}, Node ${process.versions.node}) install Node ${neededMajor} from https://nodejs.org and run the ` +
      'command again.',
  );
}
