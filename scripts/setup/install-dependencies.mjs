import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { checkout } from './installation.mjs';
import { pruneDependencies, pruneForeignBuilds, typesRemovedMarker } from './prune-dependencies.mjs';
import { runCommand } from './run-command.mjs';
import { SetupFailure } from './setup-failure.mjs';
import { showProgress } from './show-progress.mjs';

/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage */

const nodeModules = path.join(checkout, 'node_modules');

/**
 * Brings node_modules in line with package-lock.json by `npm ci`, unless it already is. `development` asks for the tools
 * of tests and checks as well; where they are installed they stay installed.
 * @param {{ development: boolean, env: NodeJS.ProcessEnv, log: (line: string) => void }} options
 */
export async function installDependencies({ development, env, log }) {
  const locked = readPackages(path.join(checkout, 'package-lock.json'));
  if (locked === null) {
    throw new SetupFailure(
      `${checkout}/package-lock.json cannot be read. Restore it from the repository (git checkout package-lock.json).`,
    );
  }
  const installed = readPackages(path.join(nodeModules, '.package-lock.json'));
  const typesRemoved = existsSync(path.join(nodeModules, typesRemovedMarker));
  if (installed !== null && !(development && typesRemoved) && isComplete(locked, installed, development)) {
    pruneForeignBuilds(nodeModules);
    return;
  }
  const hasTools = Object.entries(installed ?? {}).some(([, entry]) => entry.dev);
  const full = development || hasTools;
  const omit = full ? [] : ['--omit=dev'];
  const count = Object.values(locked).filter((entry) => full || !isTool(entry)).length;
  await showProgress(`Installing the locked dependencies (up to ${count} packages)`, log, () => runInstall(omit, env));
  pruneDependencies(nodeModules, { development: full });
}

/** @param {string[]} omit @param {NodeJS.ProcessEnv} env */
async function runInstall(omit, env) {
  // The Node in node_modules/.bin is about to be replaced, so it must not run npm.
  const PATH = (env.PATH ?? '')
    .split(path.delimiter)
    .filter((entry) => !entry.includes('node_modules'))
    .join(path.delimiter);
  const { code, missing, output } = await runCommand('npm', ['ci', ...omit, '--loglevel=error'], {
    cwd: checkout,
    env: { ...env, PATH },
  });
  if (missing) {
    throw new SetupFailure(
      'Perdure did not find npm, which comes with Node and installs its locked dependencies. Install Node 20 or newer with ' +
        'npm (https://nodejs.org; Debian and Ubuntu: apt-get install npm), then run the command again.',
    );
  }
  if (code !== 0) {
    throw new SetupFailure(
      `Installing the dependencies (npm ci) failed with exit code ${code}. Check the network, npm's registry setting (npm ` +
        `config get registry) and that ${checkout} can be written, then run the command again. npm said:\n${output.trim()}`,
    );
  }
}

/** @param {string} file @returns {Record<string, LockedPackage> | null} */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return null;
  }
}

/**
 * npm writes its own record of what it installed as its last step, so an interrupted installation has none.
 * @param {Record<string, LockedPackage>} locked @param {Record<string, LockedPackage>} installed
 * @param {boolean} development
 */
function isComplete(locked, installed, development) {
  return Object.entries(locked).every(([name, entry]) => {
    if (name === '' || entry.link || (isTool(entry) && !development)) return true;
    const isOwnNode = name === `node_modules/node-${process.platform}-${process.arch}`;
    if ((entry.optional || entry.devOptional) && !isOwnNode && installed[name] === undefined) return true;
    return installed[name]?.version === entry.version;
  });
}

/** @param {LockedPackage} entry */
function isTool(entry) {
  return Boolean(entry.dev || entry.devOptional);
}
