import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

const api = testApi();
const root = path.resolve(import.meta.dirname, '../..');
const children = new Set<ReturnType<typeof spawn>>();
afterAll(() => children.forEach((child) => child.kill('SIGKILL')));

test('/livez needs neither a key nor anything else', async () => {
  expect((await api.call('GET', '/livez', { key: null })).json).toEqual({ status: 'alive' });
});

test('/readyz names what is missing, and says ready when a worker polls both queues', async () => {
  const before = await api.call('GET', '/readyz', { key: null });
  expect(before.status).toBe(503);
  expect(before.json.checks.map((check: { name: string; state: string }) => [check.name, check.state])).toEqual([
    ['database', 'up'],
    ['temporal', 'up'],
    ['worker_chat', 'down'],
    ['worker_ingest', 'down'],
  ]);
  expect(before.json.checks[2].detail).toMatch(/PERDURE_QUEUES/);
  // What a worker's pollers do: they ask, and nobody has anything for them. Each meets one of a queue's partitions.
  const { temporal } = api.deps;
  const queues = [taskQueues.chat, taskQueues.ingest].flatMap((name) => Array.from({ length: 8 }, () => ({ name })));
  const polls = temporal.withDeadline(Date.now() + 6_000, () =>
    Promise.allSettled(
      queues.flatMap((taskQueue) => {
        const poll = { namespace: api.temporal.namespace, taskQueue, identity: 'test' };
        return [
          temporal.workflowService.pollWorkflowTaskQueue(poll),
          temporal.workflowService.pollActivityTaskQueue(poll),
        ];
      }),
    ),
  );
  const ready = await until(
    async () => {
      const answer = await api.call('GET', '/readyz', { key: null });
      return answer.status === 200 && answer;
    },
    { what: 'readiness' },
  );
  expect(ready.json.status).toBe('ready');
  await polls;
});

test('/metrics counts requests by route and status', async () => {
  await api.call('GET', '/agents');
  const { text, headers } = await api.call('GET', '/metrics');
  expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  expect(text).toMatch(/perdure_http_request_duration_seconds_count\{.*route="\/agents",status="200".*\} \d/);
});

test('a request id that is plain is kept, any other is replaced', async () => {
  const kept = await api.call('GET', '/livez', { headers: { 'x-request-id': 'order-66/a.b' } });
  const replaced = await api.call('GET', '/livez', { headers: { 'x-request-id': 'two words' } });
  expect(kept.headers.get('x-request-id')).toBe('order-66/a.b');
  expect(replaced.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
});

describe('server.ts', () => {
  const start = async (changes: Record<string, string>) => {
    const home = await mkdtemp(path.join(tmpdir(), 'perdure-api-'));
    const child = spawn(process.execPath, ['server.ts'], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: api.databaseUrl,
        TEMPORAL_ADDRESS: api.temporal.address,
        TEMPORAL_NAMESPACE: api.temporal.namespace,
        PERDURE_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
        PERDURE_DATABASE_POOL: '8',
        PERDURE_HOME: home,
        PERDURE_PORT: '0',
        ...changes,
      },
    });
    children.add(child);
    const output = { stdout: '', stderr: '' };
    child.stdout.on('data', (part: Buffer) => (output.stdout += part.toString()));
    child.stderr.on('data', (part: Buffer) => (output.stderr += part.toString()));
    const exited = once(child, 'exit').then(async ([code]) => {
      await rm(home, { recursive: true });
      return code as number | null;
    });
    return { child, output, exited };
  };

  test('stops within 8 seconds with a stream open, which ends with a hint to come back', async () => {
    const { child, output, exited } = await start({});
    const port = await until(async () => /"port":(\d+)/.exec(output.stdout)?.[1], { what: 'the port' });
    const { json } = await api.call('POST', '/documents', { body: { text: 'Watch me.' } });
    const at = { ...api, url: `http://127.0.0.1:${port}` };
    const events = await openEvents(at, `/documents/${json.document.id}/events`);
    await until(async () => events.seen.length > 0, { what: 'the first event' });
    const began = performance.now();
    child.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(performance.now() - began).toBeLessThan(8_000);
    await events.ended;
    expect(events.text().trimEnd().endsWith('retry: 1000')).toBe(true);
    expect(output.stderr).toBe('');
  }, 120_000);

  test('says which port is taken and what to do, and exits with 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    const { output, exited } = await start({ PERDURE_PORT: String(port) });
    expect(await exited).toBe(1);
    expect(output.stderr).toMatch(new RegExp(`^Port ${port} .*set PERDURE_PORT`));
    taken.close();
  }, 120_000);

  test.each([
    ['no database', { DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' }, /PostgreSQL .* cannot be reached/],
    [
      'no Temporal',
      { TEMPORAL_ADDRESS: '127.0.0.1:1' },
      /Temporal at 127\.0\.0\.1:1 cannot be reached.*TEMPORAL_ADDRESS/,
    ],
    ['no such namespace', { TEMPORAL_NAMESPACE: 'nowhere' }, /no namespace "nowhere".*TEMPORAL_NAMESPACE/],
    [
      'no settings',
      { DATABASE_URL: '', PERDURE_SECRET_KEY: '' },
      /DATABASE_URL is missing[\s\S]*PERDURE_SECRET_KEY is missing/,
    ],
  ])(
    'with %s ends with one paragraph that says what to do',
    async (_name, changes, message) => {
      const { output, exited } = await start(changes);
      expect(await exited).toBe(1);
      expect(output.stderr).toMatch(message);
      expect(output.stderr).not.toMatch(/\n {4}at /);
    },
    120_000,
  );
});
