import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { identifyProcess, isAlive } from '../../../platform/embedded/process-identity.ts';
import type { ProcessIdentity } from '../../../platform/embedded/process-identity.ts';
import { findOrphans } from '../../../scripts/supervisor/find-orphans.ts';
import { readRunFile } from '../../../scripts/supervisor/run-file.ts';

const prefix = 'perdure-chaos-';
const ownerFile = 'owner.json';

/** Where one run of chaos keeps everything that it puts on the disk. */
export interface RunFolder {
  /** Makes a folder of this name and some letters in it. */
  make(name: string): string;
  remove(): void;
}

/** Makes the folder of this process's run, and removes those of runs that were cut off, with what still runs in them. */
export async function openRunFolder(): Promise<RunFolder> {
  for (const name of readdirSync(tmpdir()))
    if (name.startsWith(prefix)) await removeLeftOver(path.join(tmpdir(), name));
  const folder = mkdtempSync(path.join(tmpdir(), prefix));
  writeFileSync(path.join(folder, ownerFile), JSON.stringify(identifyProcess(process.pid)));
  return {
    make: (name) => mkdtempSync(path.join(folder, `${name}-`)),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

async function removeLeftOver(folder: string): Promise<void> {
  const file = path.join(folder, ownerFile);
  // Of a run that is just beginning.
  if (!existsSync(file)) return;
  const owner = JSON.parse(readFileSync(file, 'utf8')) as ProcessIdentity;
  if (isAlive(owner)) return;
  for (const name of readdirSync(folder)) {
    const home = path.join(folder, name);
    await findOrphans(home, readRunFile(home), { postgres: false, temporal: false }, () => {});
  }
  // Its holders may be removing the same at this moment.
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
