import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;
let workspace: TestWorkspace;

beforeAll(async () => {
  // One connection of the application's role, so that all statements meet on it.
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 4 }, 'perdure-prepared-test');
  workspace = await makeWorkspace(database);
});

afterAll(() => database.close());

const inWorkspace: Database['autocommit'] = (work) => database.inWorkspace(workspace.workspaceId, work);

test('a statement with parameters is planned once on a connection, whatever its values', async () => {
  const statement = 'select $1::integer + 1 as next';
  expect(await inWorkspace((em) => query(em, statement, [1]))).toEqual([{ next: 2 }]);
  expect(await inWorkspace((em) => query(em, statement, [41]))).toEqual([{ next: 42 }]);
  const prepared = await inWorkspace((em) =>
    query(em, 'select generic_plans + custom_plans as runs from pg_prepared_statements where statement = $1', [
      statement,
    ]),
  );
  expect(prepared).toEqual([{ runs: '2' }]);
});

test('a transaction begins with its first statement and ends with its work', async () => {
  const transaction = 'select pg_current_xact_id()::text as id';
  const ids = await inWorkspace(async (em) => [...(await query(em, transaction)), ...(await query(em, transaction))]);
  expect(ids[0]).toEqual(ids[1]);
  const [later] = await inWorkspace((em) => query(em, transaction));
  expect(later).not.toEqual(ids[0]);
});

test('a statement whose result a migration has changed fails once and then goes on', async () => {
  const statement = 'select * from prepared_example where $1::boolean';
  const alter = (sql: string) => database.asOwner((em) => query(em, sql));
  await alter('create table prepared_example (id integer)');
  await alter('grant select on prepared_example to perdure_app');
  const read = () => inWorkspace((em) => query(em, statement, [true]));
  expect(await read()).toEqual([]);
  await alter('alter table prepared_example add column name text');
  await expect(read()).rejects.toMatchObject({ code: '0A000' });
  expect(await read()).toEqual([]);
  await alter('drop table prepared_example');
});
