import { parseArgs } from 'node:util';
import { StartError } from '../../platform/start-error.ts';
import { createMigrationOrm } from './migration-orm.ts';
import { runCommand } from './run-command.ts';
import { withThrowAwayDatabase } from './throw-away-database.ts';
import { upgradeDatabase } from './upgrade-database.ts';

await runCommand(async (env) => {
  const { values } = parseArgs({
    options: {
      message: { type: 'string', short: 'm' },
      blank: { type: 'boolean', default: false },
      folder: { type: 'string' },
    },
  });
  if (!values.message?.trim())
    throw new StartError(
      'Say what the migration does: npm run db:migrate -- -m "Add new field" (--blank for no statements).',
    );
  const message = values.message;
  await withThrowAwayDatabase(env['DATABASE_URL']!, async (url) => {
    // Compared with what the migrations make, not with a database of the developer's, which may lag behind or differ.
    await upgradeDatabase(url, values.folder);
    const orm = createMigrationOrm(url, values.folder);
    try {
      const { fileName } = await orm.migrator.create(undefined, values.blank, false, message);
      console.log(
        fileName
          ? `Wrote migrations/${fileName}. Read it, then apply it with "npm run db:upgrade" and prove it with "npm run db:check".`
          : 'The migrations already make what the entities declare: nothing to write. Use --blank for a migration by hand.',
      );
    } finally {
      await orm.close();
    }
  });
});
