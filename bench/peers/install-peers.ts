import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from '../../scripts/setup/run-command.mjs';
import { progress } from '../harness/progress.ts';

const folder = import.meta.dirname;
const marker = path.join(folder, 'node_modules', '.perdure-lock');

/** Brings bench/peers/node_modules in line with its own lock file by `npm ci`, unless it already is. Throws with npm's words. */
export async function installPeers(): Promise<void> {
  const lock = createHash('sha256')
    .update(await readFile(path.join(folder, 'package-lock.json')))
    .digest('hex');
  if ((await readFile(marker, 'utf8').catch(() => '')) === lock) return;
  progress('installing the peers (bench/peers)');
  const { code, output } = await runCommand('npm', ['ci', '--loglevel=error'], { cwd: folder });
  if (code !== 0) throw new Error(`npm ci in ${folder} failed; look at the network and npm's registry:\n${output}`);
  await writeFile(marker, lock);
}
