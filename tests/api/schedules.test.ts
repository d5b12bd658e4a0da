import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { Breach } from '../../activities/invariants/breach.ts';
import { createCheckInvariants } from '../../activities/invariants/check-and-alert.ts';
import { createAggregateUsage } from '../../activities/upkeep/aggregate-usage.ts';
import { createRetainData } from '../../activities/upkeep/retain-data.ts';
import { createSweepOrphans } from '../../activities/upkeep/sweep-orphans.ts';
import { maintenanceSchedules } from '../../contracts/names/maintenance-schedules.ts';
import { defaultRetention } from '../../contracts/names/retention.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { query } from '../../entities/sql.ts';
import { configureSchedules } from '../../platform/configured-schedules.ts';
import { ensureSchedules } from '../../platform/ensure-schedules.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { createWorkflowStates } from '../../platform/workflow-states.ts';
import { createKey, createTenant, type Tenant } from '../support/api/create-tenant.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi, type Answer } from '../support/api/test-api.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { until } from '../support/until.ts';

const api = testApi();
const names = Object.keys(maintenanceSchedules).toSorted();
const announced: { key: string; breaches: readonly Breach[] }[] = [];
const counted: number[] = [];
let client: Client;
let other: Tenant;
let stop: (() => Promise<void>) | undefined;

beforeAll(async () => {
  await run(
    `update workspaces set name = case when id = $1 then 'default' else 'former ' || name end
             where id = $1 or name = 'default'`,
    [api.tenant.workspaceId],
  );
  other = await createTenant(api.database);
  const connection = await Connection.connect({ address: api.temporal.address });
  client = new Client({ connection, namespace: api.temporal.namespace });
  // Nothing is to run by itself here.
  const paused = Object.fromEntries(names.map((name) => [name, { is_paused: true }]));
  const configured = configureSchedules(JSON.stringify(paused));
  await Promise.all([1, 2, 3].map(() => ensureSchedules(client, configured)));
  stop = await startWorker(connection);
}, 120_000);

afterAll(async () => {
  await stop?.();
});

async function startWorker(connection: Connection): Promise<() => Promise<void>> {
  const { database } = api;
  const workflows = createWorkflowStates(client);
  const native = await NativeConnection.connect({ address: api.temporal.address });
  const worker = await Worker.create({
    connection: native,
    namespace: api.temporal.namespace,
    taskQueue: taskQueues.maintain,
    workflowBundle: { codePath: await workflowBundle(testServers().cache) },
    activities: {
      sweepOrphans: createSweepOrphans({ database, workflows }),
      sweepIndexes: async () => ({ swept: 0 }),
      aggregateUsage: createAggregateUsage({ database }),
      retainData: createRetainData({ database, retention: { ...defaultRetention, audit_log: 10 } }),
      checkInvariants: createCheckInvariants({
        database,
        workflows,
        confirmAfterMs: 0,
        metrics: { invariantBroken: (invariant) => counted.push(invariant) },
        announceBreaches: async (key, breaches) => void announced.push({ key, breaches }),
      }),
    },
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await native.close();
    await connection.close();
  };
}

const run = (statement: string, parameters: unknown[] = []) =>
  api.database.asOperator((em) => query(em, statement, parameters));

/** Triggers a run and waits for its report. */
async function reportOf(name: string, body: Record<string, unknown> = {}): Promise<Answer['json']> {
  const before = await api.call('GET', `/maintenance-reports?schedule=${name}`);
  const triggered = await api.call('POST', `/schedules/${name}/trigger`, { body });
  expect(triggered.status).toBe(202);
  const filter = triggered.json.workflow_id === null ? `schedule=${name}` : `workflow_id=${triggered.json.workflow_id}`;
  let report: Answer['json'];
  await until(
    async () => {
      const { json } = await api.call('GET', `/maintenance-reports?${filter}`);
      const known = before.json.data.map(({ id }: { id: string }) => id);
      report = json.data.find(
        ({ id, state }: { id: string; state: string }) => state !== 'running' && !known.includes(id),
      );
      return report !== undefined;
    },
    { what: `the report of ${name}` },
  );
  return report;
}

describe('schedules', () => {
  test('R32: are made once, whichever replica comes first, and as the configuration says', async () => {
    const { json } = await api.call('GET', '/schedules');
    expect(json.data.map(({ name }: { name: string }) => name).toSorted()).toEqual(names);
    for (const schedule of json.data) {
      const { timing, overlap, catch_up_seconds, time_out_seconds } =
        maintenanceSchedules[schedule.name as keyof typeof maintenanceSchedules];
      expect(schedule).toMatchObject({
        timing,
        overlap,
        catch_up_seconds,
        time_out_seconds,
        is_paused: true,
        note: 'Paused by PERDURE_SCHEDULES',
      });
    }
  });

  test('are changed, paused and resumed, and a restart of any replica keeps that', async () => {
    const name = 'aggregate-usage';
    const timing = { cron: '15 */2 * * *', time_zone: 'Europe/Zurich' };
    const changed = await api.call('PATCH', `/schedules/${name}`, { body: { timing, overlap: 'buffer_one' } });
    expect(changed.json).toMatchObject({
      timing,
      overlap: 'buffer_one',
      time_out_seconds: 1800,
      catch_up_seconds: 3600,
    });
    const resumed = await api.call('POST', `/schedules/${name}/resume`);
    expect(resumed.json).toMatchObject({ is_paused: false, note: 'Resumed through the API' });
    expect(resumed.json.next_runs[0]).toMatch(/:15:00\.000Z$/);

    await ensureSchedules(client, configureSchedules(''));
    const kept = await api.call('GET', `/schedules/${name}`);
    expect(kept.json).toMatchObject({ timing, overlap: 'buffer_one', is_paused: false });

    const paused = await api.call('POST', `/schedules/${name}/pause`, { body: { note: 'a new disk' } });
    expect(paused.json).toMatchObject({ is_paused: true, note: 'a new disk', timing });
    const reset = await api.call('POST', `/schedules/${name}/reset`);
    expect(reset.json).toMatchObject({ timing: { every_seconds: 3600 }, overlap: 'skip', is_paused: true });
  });

  test('one that somebody deleted in Temporal is made anew', async () => {
    await client.schedule.getHandle('retain-data').delete();
    const { status, json } = await api.call('GET', '/schedules/retain-data');
    expect([status, json.timing]).toEqual([200, { cron: '10 2 * * *', time_zone: 'UTC' }]);
    await api.call('POST', '/schedules/retain-data/pause');
  });

  test.each([
    [{ time_out_seconds: 600 }, 'body.time_out_seconds'],
    [{ timing: { every_seconds: 1 } }, 'body.timing'],
    [{ timing: { cron: 'at noon', time_zone: 'UTC' } }, 'body.timing'],
    [{ catch_up_seconds: 1 }, 'body.catch_up_seconds'],
    [{}, 'body'],
  ])('R40: %j is refused', async (body, path) => {
    const answer = await api.call('PATCH', '/schedules/sweep-orphans', { body });
    expectProblem(answer, 'bad_request');
    expect(answer.json.errors[0].path).toMatch(new RegExp(`^${path}`));
  });

  test('are changed by keys of the workspace that operates the server, and by no other', async () => {
    const before = (await api.call('GET', '/schedules/sweep-orphans')).json;
    for (const action of ['trigger', 'pause', 'resume', 'reset'])
      expectProblem(await api.call('POST', `/schedules/sweep-orphans/${action}`, { key: other.key }), 'forbidden');
    const body = { overlap: 'allow_all' };
    expectProblem(await api.call('PATCH', '/schedules/sweep-orphans', { key: other.key, body }), 'forbidden');
    expect((await api.call('GET', '/schedules/sweep-orphans', { key: other.key })).json).toEqual(before);
    const viewer = await createKey(api.database, api.tenant.workspaceId, 'viewer');
    expect((await api.call('GET', '/schedules', viewer)).status).toBe(200);
    expectProblem(await api.call('POST', '/schedules/sweep-orphans/pause', viewer), 'forbidden');
  });

  test('those of a source are seen, paused and triggered by its own workspace', async () => {
    const schedule = { every_seconds: 86_400 };
    const body = { name: 'wiki', type: 'file', configuration: { path: '/srv/wiki', schedule } };
    const { id } = (await api.call('POST', '/knowledge-sources', { key: other.key, body })).json;
    const path = `/schedules/${encodeURIComponent(`sync-schedule/${id}`)}`;
    const find = async (key?: string) => {
      const { json } = await api.call('GET', '/schedules', key === undefined ? {} : { key });
      return json.data.find((one: { knowledge_source: string | null }) => one.knowledge_source === id);
    };
    await until(async () => (await find(other.key)) !== undefined, { what: 'the schedule' });
    expect(await find(other.key)).toMatchObject({ timing: schedule, is_paused: false, workflow_type: 'requestSync' });
    expect(await find()).toBeUndefined();
    expectProblem(await api.call('GET', path), 'not_found');
    expectProblem(await api.call('POST', `${path}/pause`), 'not_found');
    const paused = await api.call('POST', `${path}/pause`, { key: other.key });
    expect(paused.json).toMatchObject({ is_paused: true });
    expect((await api.call('POST', `${path}/trigger`, { key: other.key })).status).toBe(202);
    const again = { timing: { every_seconds: 3600 } };
    expectProblem(await api.call('PATCH', path, { key: other.key, body: again }), 'conflict');
    await until(async () => (await find(other.key)).runs === 1, { what: 'the triggered run' });
  });

  test('a dry run is refused where there is none', async () => {
    const answer = await api.call('POST', '/schedules/sweep-orphans/trigger', { body: { dry_run: true } });
    expectProblem(answer, 'bad_request');
  });
});

describe('reports', () => {
  test('say what the sweep of orphans cleared, and a report whose run died is ended', async () => {
    await run(
      `insert into idempotency_keys (workspace_id, key, method, path, request_hash, created_at)
       select $1, 'old ' || n, 'POST', '/documents', '\\x00', now() - interval '25 hours' from generate_series(1, 3) n`,
      [api.tenant.workspaceId],
    );
    await run(
      `insert into maintenance_reports (id, task, workflow_id, run_id, state)
       values (gen_random_uuid(), 'retain-data', 'lost', '00000000-0000-7000-8000-000000000000', 'running')`,
    );
    await run(`update maintenance_reports set updated_at = now() - interval '11 minutes' where workflow_id = 'lost'`);
    const report = await reportOf('sweep-orphans');
    expect(report).toMatchObject({
      task: 'sweep-orphans',
      schedule: 'sweep-orphans',
      is_of_server: true,
      state: 'done',
      decided: 'clear',
      did: { idempotencyKeys: 3, reports: 1 },
    });
    expect(report.workflow_id).toMatch(/^sweep-orphans-\d{4}-/);
    const lost = await api.call('GET', '/maintenance-reports?workflow_id=lost');
    expect(lost.json.data).toMatchObject([{ state: 'failed', error: { code: 'cancelled' } }]);
  });

  test('about the server are for those who operate it', async () => {
    expect((await api.call('GET', '/maintenance-reports', { key: other.key })).json.data).toEqual([]);
    await run(
      `insert into maintenance_reports (id, workspace_id, task, workflow_id, run_id, state, finished_at)
       values (gen_random_uuid(), $1, 'condense', 'w', 'r', 'done', now())`,
      [other.workspaceId],
    );
    const theirs = await api.call('GET', '/maintenance-reports', { key: other.key });
    expect(theirs.json.data).toMatchObject([{ task: 'condense', is_of_server: false }]);
    const ours = await api.call('GET', '/maintenance-reports?task=condense');
    expect(ours.json.data).toEqual([]);
  });

  test('a dry run of retention counts what is expired and deletes nothing, and a run deletes it', async () => {
    await run(
      `insert into audit_log (id, workspace_id, actor, action, entity_type, created_at)
       select gen_random_uuid(), $1, 'a', 'b', 'c', now() - make_interval(days => n) from unnest(array[1, 9, 11, 500]) n`,
      [api.tenant.workspaceId],
    );
    const kept = async () => (await run('select 1 from audit_log where actor = $1', ['a'])).length;
    const dry = await reportOf('retain-data', { dry_run: true });
    expect(dry).toMatchObject({ schedule: null, decided: 'dry_run', saw: { expired: { audit_log: 2 } }, did: {} });
    expect(await kept()).toBe(4);
    expect(await reportOf('retain-data')).toMatchObject({ decided: 'delete', did: { audit_log: 2 } });
    expect(await kept()).toBe(2);
  });

  test('a broken invariant is counted, told once, and reported until it holds again', async () => {
    const [message] = await run(
      `with c as (
         insert into conversations (id, workspace_id, agent_id, user_id, model_name)
         select gen_random_uuid(), a.workspace_id, a.id, u.id, 'm' from agents a
         cross join lateral (select $2::uuid as id) u where a.workspace_id = $1 limit 1 returning id)
       insert into messages (id, workspace_id, conversation_id, sequence, sender, content)
       select gen_random_uuid(), $1, c.id, 1, 'user', 'nobody answers' from c returning id`,
      [api.tenant.workspaceId, await userOf(api.tenant.workspaceId)],
    );
    const first = await reportOf('check-invariants');
    expect(first).toMatchObject({
      decided: 'alert',
      saw: { count: 1, breaches: [{ invariant: 4, id: message!['id'] }] },
      did: { logged: 1, announced: 1 },
    });
    expect(await reportOf('check-invariants')).toMatchObject({ decided: 'alert', did: { logged: 1, announced: 0 } });
    expect(announced).toEqual([{ key: first.run_id, breaches: first.saw.breaches }]);
    expect(counted).toEqual([4, 4]);
    await run(`delete from messages where id = $1`, [message!['id']]);
    expect(await reportOf('check-invariants')).toMatchObject({ decided: 'nothing', did: {} });
  });
});

async function userOf(workspaceId: string): Promise<unknown> {
  const [user] = await run(
    `insert into users (id, workspace_id, external_id) values (gen_random_uuid(), $1, 'ada') returning id`,
    [workspaceId],
  );
  return user!['id'];
}
