import { readFile, statfs } from 'node:fs/promises';
import path from 'node:path';
import { readDatabaseBytes } from '../entities/agents/index-health-repository.ts';
import type { Config } from './config.ts';
import type { Database } from './database.ts';

type DiskSettings = Pick<Config, 'PERDURE_DATABASE_DISK_GB' | 'PERDURE_HOME' | 'DATABASE_URL'>;

/**
 * Makes the question how many bytes the database's disk has left. PostgreSQL itself cannot say it: the setting does, less
 * what the databases take; for the embedded server its folder's disk does; null where neither is there.
 */
export function createDiskRoomReader(
  config: DiskSettings,
  database: Pick<Database, 'readAsOperator'>,
): () => Promise<number | null> {
  return async function readDiskRoom() {
    const limit = config.PERDURE_DATABASE_DISK_GB;
    if (limit !== undefined) {
      const taken = await database.readAsOperator(readDatabaseBytes);
      return Math.max(0, limit * 1e9 - taken);
    }
    const folder = path.join(config.PERDURE_HOME, 'postgres');
    if (!(await servesFrom(folder, config.DATABASE_URL))) return null;
    const disk = await statfs(folder);
    return disk.bavail * disk.bsize;
  };
}

/** Whether the server at the address is the one that has its data in the folder: its port is in `postmaster.pid`. */
async function servesFrom(folder: string, databaseUrl: string): Promise<boolean> {
  const { hostname, port } = new URL(databaseUrl);
  if (hostname !== '127.0.0.1' && hostname !== 'localhost') return false;
  try {
    const lines = (await readFile(path.join(folder, 'postmaster.pid'), 'utf8')).split('\n');
    return lines[3] === (port || '5432');
  } catch {
    return false;
  }
}
