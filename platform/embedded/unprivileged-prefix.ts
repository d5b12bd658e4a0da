import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { EmbeddedServerError } from './embedded-server-error.ts';

/** How to run PostgreSQL when this process is root, which PostgreSQL refuses. */
export interface UnprivilegedPrefix {
  /** Words to put before the command; empty when this process is not root. */
  words: readonly string[];
  /** Owner that the data must be given to; null where root's own files do. */
  owner: { uid: number; gid: number } | null;
}

/**
 * A user namespace keeps the files root's own and needs no user to be made; where such namespaces are refused (many
 * containers), `setpriv` changes to an existing user instead. Both replace themselves by the command, so that its pid is
 * the server's. Throws when this process is root and neither works.
 */
export function findUnprivilegedPrefix(): UnprivilegedPrefix {
  if (process.getuid?.() !== 0) return { words: [], owner: null };
  const user = findSystemUser();
  const namespace = ['unshare', `--map-user=${user.uid}`, `--map-group=${user.gid}`];
  if (runs([...namespace, 'true'])) return { words: namespace, owner: null };
  const change = ['setpriv', `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
  if (runs([...change, 'true'])) return { words: change, owner: user };
  throw new EmbeddedServerError(
    'PostgreSQL refuses to run as root, and neither unshare nor setpriv can change to another user here. Start Perdure ' +
      'as an ordinary user, or set DATABASE_URL to a PostgreSQL server of your own.',
  );
}

/** initdb looks its user up by number, so it must be one that this machine knows. */
function findSystemUser(): { uid: number; gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name, , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }))
    .filter(({ uid }) => Number.isInteger(uid) && uid > 0);
  const user = users.find(({ name }) => name === 'postgres') ?? users.find(({ name }) => name === 'nobody') ?? users[0];
  if (user === undefined) {
    throw new EmbeddedServerError(
      'PostgreSQL refuses to run as root, and /etc/passwd names no other user. Add one with useradd.',
    );
  }
  return user;
}

function runs([command = '', ...args]: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Gives the tree to the user that the server will run as, should an earlier start have run it as another one. */
export function giveOwnership(directory: string, prefix: UnprivilegedPrefix): void {
  if (process.getuid?.() !== 0) return;
  const owner = prefix.owner ?? { uid: 0, gid: 0 };
  if (statSync(directory).uid === owner.uid) return;
  execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, directory]);
}
