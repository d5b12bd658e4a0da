import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { query } from '../../entities/sql.ts';
import { checkDatabase } from '../../platform/check-database.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { poolSizes } from '../../platform/pool-sizes.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
const applicationName = 'perdure-database-test';
let database: Database;
let login: pg.Client;
let workspace: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, applicationName);
  login = new pg.Client({ connectionString: url });
  login.on('error', () => {});
  await login.connect();
  workspace = await makeWorkspace(database);
});

afterAll(async () => {
  await database.close();
  await login.end();
});

const endConnections = () =>
  login.query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`, [applicationName]);

describe('roles', () => {
  test('each transaction runs as its role, and the login is no superuser', async () => {
    const role = 'select current_user as role, session_user as login';
    const of = async (run: Database['asOperator']) => (await run((em) => query(em, role)))[0];
    expect(await of(database.asOperator)).toEqual({ role: 'perdure_operator', login: 'perdure' });
    expect(await of(database.asOwner)).toEqual({ role: 'perdure_owner', login: 'perdure' });
    expect(await of((work) => database.inWorkspace(workspace.workspaceId, work))).toMatchObject({
      role: 'perdure_app',
    });
    const { rows } = await login.query('select rolsuper from pg_roles where rolname = current_user');
    expect(rows).toEqual([{ rolsuper: false }]);
  });

  test('the workspace of one transaction is not seen by the next on the same connection', async () => {
    const seen = () => database.autocommit((em) => query(em, 'select id from users'));
    expect(await seen()).toEqual([]);
    const inside = await database.inWorkspace(workspace.workspaceId, (em) => query(em, 'select id from users'));
    expect(inside).toEqual([{ id: workspace.userId }]);
    expect(await seen()).toEqual([]);
  });

  test('what fails is rolled back, and its error is passed on as it is', async () => {
    const failing = database.inWorkspace(workspace.workspaceId, async (em) => {
      await query(em, `update users set display_name = 'changed' where id = $1`, [workspace.userId]);
      await query(em, 'select 1 / 0');
    });
    await expect(failing).rejects.toMatchObject({ code: '22012' });
    const rows = await database.inWorkspace(workspace.workspaceId, (em) => query(em, 'select display_name from users'));
    expect(rows).toEqual([{ display_name: null }]);
  });

  test('timestamps are dates, and sessions have their limits', async () => {
    const [row] = await database.inWorkspace(workspace.workspaceId, (em) =>
      query(
        em,
        `select now() as now, current_setting('statement_timeout') as statement,
                current_setting('idle_in_transaction_session_timeout') as idle`,
      ),
    );
    expect(row).toEqual({ now: expect.any(Date), statement: '1min', idle: '10s' });
  });
});

describe('after the server has dropped connections', () => {
  test('idle ones are replaced without an error', async () => {
    for (let round = 0; round < 5; round += 1) {
      await database.asOperator((em) => query(em, 'select 1'));
      await endConnections();
      expect(await database.asOperator((em) => query(em, 'select 1 as one'))).toEqual([{ one: 1 }]);
    }
  });

  // More rounds than the pool has places: a place that a dead connection kept would be missing at the end.
  test('a transaction that was cut off says so, and gives its place in the pool back', async () => {
    for (let round = 0; round < 4; round += 1) {
      const cut = database.asOperator(async (em) => {
        await query(em, 'select 1');
        await endConnections();
        await query(em, 'select 2');
      });
      await expect(cut).rejects.toMatchObject({ name: 'PerdureError', code: 'unavailable' });
    }
    expect(await database.asOperator((em) => query(em, 'select 1 as one'))).toEqual([{ one: 1 }]);
  });

  test('a commit whose connection is gone is not taken for done', async () => {
    const cut = database.asOperator(async (em) => {
      await query(em, `update users set display_name = 'lost' where id = $1`, [workspace.userId]);
      await endConnections();
    });
    await expect(cut).rejects.toMatchObject({ code: 'unavailable' });
    const rows = await database.asOperator((em) => query(em, `select 1 from users where display_name = 'lost'`));
    expect(rows).toEqual([]);
  });
});

describe('limits', () => {
  test('an exhausted pool answers over_capacity, and serves again when a place is free', async () => {
    const small = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, 'perdure-small-test');
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>();
    const { promise: released, resolve: release } = Promise.withResolvers<void>();
    const held = small.asOperator(async (em) => {
      await query(em, 'select 1');
      begin();
      // A session that only waits would be ended by the server after 10 s.
      const beat = setInterval(() => void query(em, 'select 1'), 2000);
      await released;
      clearInterval(beat);
    });
    await begun;
    await expect(small.asOperator((em) => query(em, 'select 1'))).rejects.toMatchObject({ code: 'over_capacity' });
    release();
    await held;
    expect(await small.asOperator((em) => query(em, 'select 1 as one'))).toEqual([{ one: 1 }]);
    await small.close();
  });

  test('an unreachable server answers unavailable', async () => {
    const nowhere = createDatabase(
      { DATABASE_URL: 'postgres://perdure@127.0.0.1:1/none', PERDURE_DATABASE_POOL: 4 },
      'x',
    );
    await expect(nowhere.asOperator((em) => query(em, 'select 1'))).rejects.toMatchObject({ code: 'unavailable' });
    await nowhere.close();
  });

  test('a process never holds more connections than its budget', () => {
    for (let total = 5; total <= 200; total += 1) {
      const sizes = poolSizes(total);
      // One listens for notifications, one sends them.
      expect(sizes.app + sizes.operator + sizes.owner + 2).toBe(total);
      expect(Math.min(sizes.app, sizes.operator, sizes.owner)).toBeGreaterThan(0);
    }
  });
});

describe('the check before a start', () => {
  test('passes on a migrated database with room for every process', async () => {
    await expect(checkDatabase(url, 32)).resolves.toBeUndefined();
  });

  test('refuses budgets that pass max_connections', async () => {
    await expect(checkDatabase(url, 5000)).rejects.toThrow(/may open 5000 connections together.*at most \d+ in/);
  });

  test('refuses a database from a newer version', async () => {
    await login.query(`insert into mikro_orm_migrations (name) values ('Migration29990101000000_future')`);
    await expect(checkDatabase(url, 32)).rejects.toThrow(/newer version of Perdure .*Migration29990101000000_future/);
    await login.query(`delete from mikro_orm_migrations where name like '%_future'`);
  });

  test('refuses a database that lacks a migration, or has none', async () => {
    await login.query(`update mikro_orm_migrations set name = name || '~' where name like '%_tenancy'`);
    await expect(checkDatabase(url, 32)).rejects.toThrow('newer version');
    await login.query(`delete from mikro_orm_migrations where name like '%~'`);
    await expect(checkDatabase(url, 32)).rejects.toThrow(/lacks 1 migration.*_tenancy.*db:upgrade/);
    await login.query(`insert into mikro_orm_migrations (name) values ('Migration20261122000001_tenancy')`);
  });

  test('names a server that cannot be reached and a database that does not exist', async () => {
    await expect(checkDatabase('postgres://perdure@127.0.0.1:1/none', 4)).rejects.toThrow('cannot be reached');
    const missing = new URL(url);
    missing.pathname = '/no_such_database';
    await expect(checkDatabase(missing.href, 4)).rejects.toThrow('does not exist');
  });
});
