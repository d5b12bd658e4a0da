import type pg from 'pg';
import { checkServerVersions, findPendingMigrations } from '../../platform/check-database.ts';
import { connectLogin } from '../../platform/connect-login.ts';
import { prepareDatabase } from '../../platform/prepare-database.ts';
import { createMigrationOrm } from './migration-orm.ts';

/** Number of the advisory lock that lets one migration at a time work on a database. */
const migrationLock = 7_400_001;

/**
 * Runs `work` while holding the migration lock of the database. A second caller waits, so that replicas which start
 * together each find the work of the first one done.
 */
export async function withMigrationLock<T>(databaseUrl: string, work: (login: pg.Client) => Promise<T>): Promise<T> {
  const login = await connectLogin(databaseUrl, 'perdure-migrations');
  try {
    await login.query('select pg_advisory_lock($1)', [migrationLock]);
    return await work(login);
  } finally {
    await login.end();
  }
}

/** Applies every pending migration of `folder` (the product's own by default) to the database and returns their names. */
export async function upgradeDatabase(databaseUrl: string, folder?: string): Promise<string[]> {
  return withMigrationLock(databaseUrl, async (login) => {
    await checkServerVersions(login);
    await prepareDatabase(login);
    if ((await findPendingMigrations(login, folder)).length === 0) return [];
    const orm = createMigrationOrm(databaseUrl, folder);
    try {
      return (await orm.migrator.up()).map(({ name }) => name);
    } finally {
      await orm.close();
    }
  });
}
