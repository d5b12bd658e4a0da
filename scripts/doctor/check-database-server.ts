import pg from 'pg';
import { checkDatabase } from '../../platform/check-database.ts';
import { StartError } from '../../platform/start-error.ts';
import { failed, ok, warning } from './finding.ts';
import type { Finding } from './finding.ts';

/** Connections that an API and a worker may open together by default. */
const usualBudget = 32;

/** Looks at PostgreSQL: reachable, new enough, migrated, and set so that a crash loses nothing. */
export async function checkDatabaseServer(url: string): Promise<Finding[]> {
  try {
    await checkDatabase(url, usualBudget);
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return [failed('database', 'not usable', error.message)];
  }
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<Settings>(
      `select current_setting('server_version') as version, current_setting('fsync') as fsync,
              current_setting('full_page_writes') as full_page_writes,
              current_setting('synchronous_commit') as synchronous_commit,
              (select extversion from pg_extension where extname = 'vector') as pgvector,
              pg_size_pretty(pg_database_size(current_database())) as size`,
    );
    return judge(rows[0] as Settings);
  } finally {
    await client.end();
  }
}

type Settings = Record<'version' | 'pgvector' | 'size' | 'fsync' | 'full_page_writes' | 'synchronous_commit', string>;

function judge(settings: Settings): Finding[] {
  const version = settings.version.split(' ')[0];
  const found = ok(
    'database',
    `PostgreSQL ${version}, pgvector ${settings.pgvector}, ${settings.size}, migrations applied`,
  );
  const unsafe = (['fsync', 'full_page_writes', 'synchronous_commit'] as const).filter(
    (name) => settings[name] === 'off',
  );
  if (unsafe.length === 0) return [found, ok('durability', 'fsync, full_page_writes and synchronous_commit are on')];
  const advice = `Turn ${unsafe.join(', ')} on in postgresql.conf and reload: what was committed must survive a crash.`;
  const judged = unsafe.includes('fsync') ? failed : warning;
  return [found, judged('durability', `off: ${unsafe.join(', ')}`, advice)];
}
