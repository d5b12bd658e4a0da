import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { searchAttributeNames } from '../../../contracts/names/search-attributes.ts';
import { findRunningCluster } from '../../../platform/embedded/postgres-cluster.ts';
import type { ManagedProcess } from '../../../scripts/supervisor/managed-process.ts';
import type { Stack } from '../../../scripts/supervisor/stack.ts';
import { startStack } from '../../../scripts/supervisor/start-stack.ts';
import { isolatedStackOptions } from '../../support/servers/isolated-stack.ts';
import { until } from '../../support/until.ts';

const options = isolatedStackOptions(24_000);
let stack: Stack;

beforeAll(async () => {
  stack = await startStack(options);
}, 120_000);
afterAll(() => stack?.stop());

function managed(name: 'postgres' | 'temporal'): ManagedProcess {
  const found = stack.processes[name];
  if (found === undefined) throw new Error(`The stack runs no ${name}.`);
  return found;
}

async function query(text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL });
  // The server may be killed under the connection.
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

async function untilReplaced(name: 'postgres' | 'temporal', before: number | null): Promise<void> {
  await until(async () => managed(name).state === 'ready' && managed(name).pid !== before, { what: `a new ${name}` });
}

/** Kills a server and waits until the supervision has a new one ready. */
async function killAndAwait(name: 'postgres' | 'temporal'): Promise<void> {
  const before = managed(name).pid;
  managed(name).kill('SIGKILL');
  await untilReplaced(name, before);
}

test('PostgreSQL is crash-safe, speaks UTF-8, listens on the loopback address only and wants a password', async () => {
  const settings = await query(
    `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit',
       'listen_addresses', 'server_encoding', 'password_encryption', 'jit')`,
  );
  expect(Object.fromEntries(settings.map(({ name, setting }) => [name, setting]))).toEqual({
    fsync: 'on',
    full_page_writes: 'on',
    synchronous_commit: 'on',
    listen_addresses: '127.0.0.1',
    server_encoding: 'UTF8',
    password_encryption: 'scram-sha-256',
    jit: 'off',
  });
  const wrong = new pg.Client({ connectionString: stack.env.DATABASE_URL?.replace(/:[^:@]+@/, ':guessed@') });
  await expect(wrong.connect()).rejects.toMatchObject({ code: '28P01' });
  const secret = path.join(stack.home, 'secrets', 'database-password');
  expect(statSync(secret).mode & 0o777).toBe(0o600);
  expect(statSync(path.join(stack.home, 'run.json')).mode & 0o777).toBe(0o600);
});

test('the login is no superuser and can still make the vector extension, roles and databases', async () => {
  const [login] = await query('select rolsuper, rolcreatedb, rolcreaterole from pg_roles where rolname = current_user');
  expect(login).toEqual({ rolsuper: false, rolcreatedb: true, rolcreaterole: true });
  await query('create extension if not exists vector');
  expect(await query(`select extversion from pg_extension where extname = 'vector'`)).toHaveLength(1);
});

test('a committed row survives kill -9 of PostgreSQL, which comes back on the same port', async () => {
  await query('create table if not exists kept (n int)');
  const port = stack.ports.postgres;
  for (const n of [1, 2]) {
    await query(`insert into kept values (${n})`);
    await killAndAwait('postgres');
  }
  expect(await query('select n from kept order by n')).toEqual([{ n: 1 }, { n: 2 }]);
  expect(findRunningCluster(path.join(stack.home, 'postgres'))?.port).toBe(port);
  expect(managed('postgres').restarts).toBe(2);
}, 120_000);

test('a postmaster.pid that names a process of another program is cleared', async () => {
  await managed('postgres').stop();
  const file = path.join(stack.home, 'postgres', 'postmaster.pid');
  writeFileSync(file, `${process.pid}\n${path.join(stack.home, 'postgres')}\n0\n${stack.ports.postgres}\n`);
  expect(findRunningCluster(path.join(stack.home, 'postgres'))).toBeNull();
  await managed('postgres').start();
  expect(readFileSync(file, 'utf8').split('\n')[0]).toBe(String(managed('postgres').pid));
}, 120_000);

test('the namespace keeps histories for 30 days and has the search attributes', async () => {
  const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(30 * 86_400);
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
    expect(Object.keys(customAttributes ?? {})).toEqual(expect.arrayContaining([...searchAttributeNames]));
  } finally {
    await connection.close();
  }
});

test('every workflow whose start was acknowledged survives kill -9 of Temporal', async () => {
  const connection = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
  const client = new Client({ connection });
  const acknowledged: string[] = [];
  let going = true;
  const starters = Array.from({ length: 8 }, async (_, lane) => {
    for (let n = 0; going; n += 1) {
      const workflowId = `kept-${lane}-${n}`;
      await client.workflow.start('kept', { workflowId, taskQueue: 'nobody' });
      acknowledged.push(workflowId);
    }
  });
  await until(async () => acknowledged.length >= 100, { what: '100 workflows' });
  const before = managed('temporal').pid;
  managed('temporal').kill('SIGKILL');
  going = false;
  // The client repeats what was in flight until the server is back.
  await Promise.all(starters);
  await connection.close();
  await untilReplaced('temporal', before);

  const again = await Connection.connect({ address: String(stack.env.TEMPORAL_ADDRESS) });
  try {
    const found = new Client({ connection: again });
    for (const workflowId of acknowledged) {
      const { status } = await found.workflow.getHandle(workflowId).describe();
      expect(status.name).toBe('RUNNING');
    }
  } finally {
    await again.close();
  }
}, 120_000);

test('everything stops within ten seconds, a server under SIGSTOP included', async () => {
  managed('temporal').kill('SIGSTOP');
  const pids = [managed('postgres').pid, managed('temporal').pid];
  const started = performance.now();
  await stack.stop();
  expect(performance.now() - started).toBeLessThan(10_000);
  for (const pid of pids) expect(() => process.kill(Number(pid), 0)).toThrow('ESRCH');
}, 120_000);
