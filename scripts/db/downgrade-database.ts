import { StartError } from '../../platform/start-error.ts';
import { createMigrationOrm } from './migration-orm.ts';
import { withMigrationLock } from './upgrade-database.ts';

/**
 * Takes back the last migration, or all that came after the one named `to` (`0`: all), with the data in what they made,
 * and returns the names of those taken back, latest first.
 */
export async function downgradeDatabase(databaseUrl: string, to?: string, folder?: string): Promise<string[]> {
  return withMigrationLock(databaseUrl, async () => {
    const orm = createMigrationOrm(databaseUrl, folder);
    try {
      const applied = (await orm.migrator.getExecuted()).map(({ name }) => name);
      if (to !== undefined && to !== '0' && !applied.includes(to))
        throw new StartError(
          `No migration named ${to} is applied to this database. Applied are: ${applied.join(', ') || 'none'}.`,
        );
      const reverted = await orm.migrator.down(to === undefined ? undefined : { to: to === '0' ? 0 : to });
      return reverted.map(({ name }) => name);
    } finally {
      await orm.close();
    }
  });
}
