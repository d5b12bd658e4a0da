import type pg from 'pg';
import { StartError } from './start-error.ts';

const roles = ['perdure_owner', 'perdure_app', 'perdure_operator'] as const;

/**
 * Makes what migrations need and may not make themselves: the three group roles with the login as their member, the
 * vector extension, and the owner's right to create. `login` is a connection as DATABASE_URL's user; may be run again.
 * @throws StartError saying what an administrator has to grant.
 */
export async function prepareDatabase(login: pg.Client): Promise<void> {
  for (const role of roles) await prepareRole(login, role);
  await attempt(
    login,
    'create extension if not exists vector',
    'create the extension "vector" (pgvector 0.8.4 or newer)',
  );
  const { rows } = await login.query<{ ready: boolean }>(
    `select has_schema_privilege('perdure_owner', 'public', 'create') and
            has_schema_privilege('perdure_app', 'public', 'usage') and
            has_schema_privilege('perdure_operator', 'public', 'usage') as ready`,
  );
  if (rows[0]?.ready) return;
  await attempt(
    login,
    `grant usage, create on schema public to perdure_owner; grant usage on schema public to perdure_app, perdure_operator`,
    'grant "usage, create on schema public" to perdure_owner and "usage" to perdure_app and perdure_operator',
  );
}

/** Roles belong to the cluster: another database's preparation, even one that runs now, may have made them. */
async function prepareRole(login: pg.Client, role: (typeof roles)[number]): Promise<void> {
  await attempt(
    login,
    `do $$ begin
       if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
     exception when duplicate_object or unique_violation then null;
     end $$`,
    `create the role ${role} (nologin)`,
  );
  const { rows } = await login.query<{ member: boolean; name: string }>(
    `select pg_has_role(current_user, $1, 'SET') and pg_has_role(current_user, $1, 'USAGE') as member,
            quote_ident(current_user) as name`,
    [role],
  );
  if (rows[0]?.member) return;
  await attempt(login, `grant ${role} to current_user`, `grant ${role} to ${rows[0]?.name}`);
}

async function attempt(login: pg.Client, statement: string, purpose: string): Promise<void> {
  try {
    await login.query(statement);
  } catch (error) {
    const { code, message } = error as pg.DatabaseError;
    // Two preparations of one cluster that grant the same thing at once: one of them has done it.
    if (code === 'XX000' || code === '23505') {
      await login.query(statement);
      return;
    }
    throw new StartError(
      `The login of DATABASE_URL may not ${purpose}: ${message}. Let an administrator do that once in this database, or ` +
        'give the login the attribute CREATEROLE and the ownership of the database, then start again.',
    );
  }
}
