import { StartError } from '../../platform/start-error.ts';
import { checkMigrations } from './check-migrations.ts';
import { runCommand } from './run-command.ts';

await runCommand(async (env) => {
  const findings = await checkMigrations(env['DATABASE_URL']!);
  if (findings.length > 0) throw new StartError(findings.join('\n\n'));
  console.log('The migrations make what the entities declare, and each goes down again.');
});
