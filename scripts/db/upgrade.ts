import { loadConfig } from '../../platform/config.ts';
import { createDatabase } from '../../platform/database.ts';
import { ensureFirstStart } from '../../platform/first-start.ts';
import { runCommand } from './run-command.ts';
import { upgradeDatabase } from './upgrade-database.ts';

await runCommand(async (env) => {
  const config = loadConfig(env);
  for (const name of await upgradeDatabase(config.DATABASE_URL)) console.log(`Applied ${name}`);
  const database = createDatabase(config, 'perdure-upgrade');
  try {
    const { apiKey, apiKeyFile, notices } = await ensureFirstStart(database, config);
    for (const notice of notices) console.error(notice);
    if (apiKey !== null)
      console.log(`The admin API key, shown this once and stored in ${apiKeyFile} for the command line: ${apiKey}`);
  } finally {
    await database.close();
  }
});
