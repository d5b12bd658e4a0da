import { readdirSync } from 'node:fs';
import path from 'node:path';
import type pg from 'pg';
import { connectLogin } from './connect-login.ts';
import { StartError } from './start-error.ts';

const migrationsFolder = path.resolve(import.meta.dirname, '../migrations');

/**
 * Checks before a process serves that the database is new enough, is not newer than this release, and can give all
 * processes of its stack the connections they budget for. `budget` is their sum, this process's included.
 * @throws StartError with the way out.
 */
export async function checkDatabase(databaseUrl: string, budget: number): Promise<void> {
  const client = await connectLogin(databaseUrl, 'perdure-check');
  try {
    await checkServerVersions(client);
    await checkExtensionVersion(client);
    await checkMigrations(client);
    await checkConnections(client, budget);
  } finally {
    await client.end();
  }
}

/** @throws StartError when the server is older than PostgreSQL 17 (GRANT MAINTAIN) or offers no pgvector 0.8.4. */
export async function checkServerVersions(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; shown: string; vector: string | null }>(
    `select current_setting('server_version_num')::int as number, current_setting('server_version') as shown,
            (select default_version from pg_available_extensions where name = 'vector') as vector`,
  );
  const [server] = rows;
  if (!server || server.number < 170_000)
    throw new StartError(
      `The database server is PostgreSQL ${server?.shown}, and Perdure needs version 17 or newer. Upgrade the server, or ` +
        'point DATABASE_URL at a newer one.',
    );
  if (server.vector === null || isOlder(server.vector, '0.8.4'))
    throw new StartError(
      `The database server offers ${server.vector === null ? 'no pgvector' : `pgvector ${server.vector}`}, and Perdure ` +
        'needs version 0.8.4 or newer (older ones lose rows when an HNSW index is vacuumed). Install it on the server.',
    );
}

async function checkExtensionVersion(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    `select extversion as version from pg_extension where extname = 'vector'`,
  );
  const version = rows[0]?.version;
  if (version === undefined)
    throw new StartError('The database has no tables of Perdure yet. Run "npm run db:upgrade" against it, then start.');
  if (isOlder(version, '0.8.4'))
    throw new StartError(
      `This database uses pgvector ${version}, and Perdure needs 0.8.4 or newer. Run "alter extension vector update" in ` +
        'it, reindex the HNSW indexes, and start again.',
    );
}

async function checkMigrations(client: pg.Client): Promise<void> {
  const pending = await findPendingMigrations(client);
  if (pending.length > 0)
    throw new StartError(
      `The database lacks ${pending.length} migration(s) of this version of Perdure, the first is ${pending[0]}. Run ` +
        '"npm run db:upgrade" against it, then start again.',
    );
}

/**
 * Names the migrations of `folder` that were not applied yet.
 * @throws StartError when some were applied that this version does not know.
 */
export async function findPendingMigrations(client: pg.Client, folder = migrationsFolder): Promise<string[]> {
  const { rows: tables } = await client.query<{ name: string | null }>(
    `select to_regclass('public.mikro_orm_migrations')::text as name`,
  );
  const applied =
    tables[0]?.name == null
      ? []
      : (await client.query<{ name: string }>('select name from public.mikro_orm_migrations')).rows.map(
          (row) => row.name,
        );
  const known = readdirSync(folder)
    .filter((file) => /^Migration.*\.ts$/.test(file))
    .map((file) => file.replace(/\.ts$/, ''));
  const unknown = applied.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new StartError(
      `The database was migrated by a newer version of Perdure (it has ${unknown.join(', ')}, which this version does ` +
        'not know). Start that version or a newer one; or, with that version, run "npm run db:downgrade" first.',
    );
  return known.filter((name) => !applied.includes(name));
}

async function checkConnections(client: pg.Client, budget: number): Promise<void> {
  const { rows } = await client.query<{ most: number }>(
    `select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
            - current_setting('reserved_connections')::int as most`,
  );
  const most = rows[0]?.most ?? 0;
  if (budget > most)
    throw new StartError(
      `Perdure's processes may open ${budget} connections together, and PostgreSQL lets at most ${most} in. Raise ` +
        'max_connections on the server, or lower PERDURE_DATABASE_POOL, which counts for each process.',
    );
}

function isOlder(version: string, least: string): boolean {
  const parts = (text: string) => text.split('.').map(Number);
  const [given, wanted] = [parts(version), parts(least)];
  for (const [index, part] of wanted.entries()) {
    const other = given[index] ?? 0;
    if (other !== part) return other < part;
  }
  return false;
}
