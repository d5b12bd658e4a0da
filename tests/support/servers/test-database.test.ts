import { expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { testDatabase } from './test-database.ts';
import { testTemporal } from './test-temporal.ts';

const database = testDatabase();
const temporal = testTemporal();

test('a test file has a migrated database of its own that survives a crash as in production', async () => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query(
    `select current_database() as name, current_setting('fsync') as fsync, current_setting('full_page_writes') as pages,
            current_setting('synchronous_commit') as commit, rolsuper as super
       from pg_roles where rolname = current_user`,
  );
  await client.end();
  expect(rows[0]).toEqual({ name: database.name, fsync: 'on', pages: 'on', commit: 'on', super: false });
});

test('a test file has a Temporal namespace of its own with the search attributes of the product', async () => {
  const connection = await Connection.connect({ address: temporal.address });
  const client = new Client({ connection, namespace: temporal.namespace });
  const handle = await client.workflow.start('unknown', {
    taskQueue: 'chat',
    workflowId: 'one',
    searchAttributes: { PerdureWorkspace: ['w'] },
  });
  const { raw } = await handle.describe();
  expect(raw.workflowExecutionInfo?.searchAttributes?.indexedFields).toHaveProperty('PerdureWorkspace');
  await handle.terminate();
  await connection.close();
});
