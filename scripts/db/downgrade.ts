import { parseArgs } from 'node:util';
import { downgradeDatabase } from './downgrade-database.ts';
import { runCommand } from './run-command.ts';

await runCommand(async (env) => {
  const { values } = parseArgs({ options: { to: { type: 'string' } } });
  const reverted = await downgradeDatabase(env['DATABASE_URL']!, values.to);
  for (const name of reverted) console.log(`Reverted ${name}`);
  if (reverted.length === 0) console.log('There was nothing to revert.');
});
