import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createAggregateUsage } from '../../activities/upkeep/aggregate-usage.ts';
import { createRetainData } from '../../activities/upkeep/retain-data.ts';
import { maintenanceSchedules } from '../../contracts/names/maintenance-schedules.ts';
import { defaultRetention } from '../../contracts/names/retention.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { query } from '../../entities/sql.ts';
import { configureSchedules } from '../../platform/configured-schedules.ts';
import { ensureSchedules } from '../../platform/ensure-schedules.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { testApi } from '../support/api/test-api.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { runCli } from './run-cli.ts';

jest.setTimeout(120_000);
const api = testApi();
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  const { database, temporal, tenant } = api;
  await database.asOperator((em) =>
    query(
      em,
      `update workspaces set name = case when id = $1 then 'default' else 'former ' || name end where id = $1 or name = 'default'`,
      [tenant.workspaceId],
    ),
  );
  const connection = await Connection.connect({ address: temporal.address });
  // Nothing is to run by itself here.
  const paused = Object.fromEntries(Object.keys(maintenanceSchedules).map((name) => [name, { is_paused: true }]));
  const client = new Client({ connection, namespace: temporal.namespace });
  await ensureSchedules(client, configureSchedules(JSON.stringify(paused)));
  const native = await NativeConnection.connect({ address: temporal.address });
  const worker = await Worker.create({
    connection: native,
    namespace: temporal.namespace,
    taskQueue: taskQueues.maintain,
    workflowBundle: { codePath: await workflowBundle(testServers().cache) },
    activities: {
      aggregateUsage: createAggregateUsage({ database }),
      retainData: createRetainData({ database, retention: { ...defaultRetention, audit_log: 10 } }),
    },
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  stop = async () => {
    worker.shutdown();
    await running;
    await native.close();
    await connection.close();
  };
});
afterAll(async () => {
  await stop?.();
});

const run = (...args: string[]) => runCli(args, { url: api.url, key: api.tenant.key });
const perdure = async (...args: string[]) => {
  const { code, out, err } = await run(...args);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return out.trim();
};

test('schedules are listed, shown, paused, resumed, changed and brought back to the configuration', async () => {
  const listed = await perdure('schedules');
  for (const name of Object.keys(maintenanceSchedules)) expect(listed).toMatch(new RegExp(`^${name}\\s+paused`, 'm'));
  expect(await perdure('schedules', 'resume', 'aggregate-usage')).toMatch(/aggregate-usage\s+active\s+every 3600 s/);
  expect(await perdure('schedules', 'pause', 'aggregate-usage', '--note', 'until Monday')).toMatch(
    /paused.*until Monday/,
  );
  const changed = [
    'set',
    'aggregate-usage',
    '--cron',
    '0 3 * * sun',
    '--time-zone',
    'Europe/Zurich',
    '--overlap',
    'buffer_one',
  ];
  expect(await perdure('schedules', ...changed)).toContain('0 3 * * sun Europe/Zurich');
  const shown = await perdure('schedules', 'aggregate-usage');
  expect(shown).toMatch(/overlap buffer_one, catches up 3600 s, times out after 1800 s/);
  expect(JSON.parse(await perdure('schedules', 'aggregate-usage', '--json'))).toMatchObject({
    timing: { cron: '0 3 * * sun', time_zone: 'Europe/Zurich' },
    is_paused: true,
  });
  expect(await perdure('schedules', 'reset', 'aggregate-usage')).toContain('every 3600 s');
});

test('a run is triggered and its report shown, also of a dry run, and listed among the reports', async () => {
  await api.database.asOperator((em) =>
    query(
      em,
      `insert into audit_log (id, workspace_id, actor, action, entity_type, created_at)
       select gen_random_uuid(), $1, 'test', 'test', 'test', now() - interval '11 days' from generate_series(1, 3)`,
      [api.tenant.workspaceId],
    ),
  );
  const planned = await perdure('schedules', 'trigger', 'retain-data', '--dry-run');
  expect(planned).toMatch(/done\s+retain-data/);
  expect(planned).toMatch(/saw .*"audit_log":3/);
  const done = JSON.parse(await perdure('schedules', 'trigger', 'retain-data', '--json'));
  expect(done).toMatchObject({ task: 'retain-data', state: 'done', did: { audit_log: 3 } });
  expect(await run('schedules', 'trigger', 'aggregate-usage', '--no-wait')).toMatchObject({
    code: 0,
    err: expect.stringContaining('aggregate-usage was triggered'),
  });
  const listed = (await perdure('reports', '--task', 'retain-data', '--json'))
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(listed.at(-1)).toMatchObject({ id: done.id });
  expect(await run('reports', '--state', 'failed')).toMatchObject({
    code: 0,
    err: expect.stringContaining('no such report'),
  });
});

test('schedules and reports say what they were called wrongly with', async () => {
  for (const args of [
    ['schedules', 'mend', 'aggregate-usage'],
    ['schedules', 'pause'],
    ['schedules', 'set', 'aggregate-usage', '--every', 'often'],
    ['schedules', 'set', 'aggregate-usage', '--every', '60', '--cron', '0 3 * * *'],
    ['reports', 'all'],
  ])
    expect(await run(...args)).toMatchObject({ code: 2, err: expect.stringMatching(/\S/) });
  expect(await run('schedules', 'no-such-schedule')).toMatchObject({ code: 1, err: expect.stringMatching(/no such/i) });
  const hung = await run('schedules', 'set', 'aggregate-usage', '--every', '60', '--time-out', '60');
  expect(hung).toMatchObject({ code: 1, err: expect.stringContaining('time_out_seconds') });
});
