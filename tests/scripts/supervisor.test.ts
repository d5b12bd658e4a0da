import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import pg from 'pg';
import { isAlive } from '../../platform/embedded/process-identity.ts';
import { holdStack } from '../../scripts/supervisor/hold-stack.ts';
import { readRunFile } from '../../scripts/supervisor/run-file.ts';
import type { RunFile } from '../../scripts/supervisor/run-file.ts';
import { startStack } from '../../scripts/supervisor/start-stack.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { until } from '../support/until.ts';

const killed = isolatedStackOptions(25_000);
const refused = isolatedStackOptions(25_100);
const held = isolatedStackOptions(25_300);
const invalid = isolatedStackOptions(25_400);
const first = isolatedStackOptions(25_200);
const second = isolatedStackOptions(25_200);

function readRun(home: string): RunFile {
  const run = readRunFile(home);
  if (run === null) throw new Error(`${home}/run.json cannot be read.`);
  return run;
}

test('after kill -9 of the supervisor the next one takes over its servers, with all data and the same ports', async () => {
  const options = killed;
  await holdStack(options);
  const before = readRun(options.home);
  const client = new pg.Client({ connectionString: String(before.urls.database) });
  await client.connect();
  await client.query('create table kept as select 1 as n');
  process.kill(before.supervisor.pid, 'SIGKILL');
  await until(async () => !isAlive(before.supervisor), { what: 'the death of the supervisor' });

  const stack = await startStack(options);
  try {
    expect(stack.processes.postgres?.pid).toBe(before.processes.postgres?.identity?.pid);
    expect(stack.processes.temporal?.pid).toBe(before.processes.temporal?.identity?.pid);
    expect(stack.urls).toEqual(before.urls);
    expect((await client.query('select n from kept')).rows).toEqual([{ n: 1 }]);
    await client.end();
    // A server that was taken over is watched like any other.
    const pid = stack.processes.temporal?.pid;
    stack.processes.temporal?.kill('SIGKILL');
    const temporal = stack.processes.temporal;
    await until(async () => temporal?.state === 'ready' && temporal.pid !== pid, { what: 'a new temporal' });
  } finally {
    await stack.stop();
  }
  expect(readRun(options.home).state).toBe('stopped');
}, 120_000);

test('a second instance on the same home is refused and leaves the first alone', async () => {
  const options = refused;
  const stack = await startStack({ ...options, processes: ['postgres'] });
  try {
    const pid = stack.processes.postgres?.pid;
    await expect(startStack({ ...options, processes: ['postgres'] })).rejects.toThrow(
      new RegExp(`already runs on .*pid ${process.pid}`),
    );
    expect(stack.processes.postgres?.pid).toBe(pid);
    expect(readRun(options.home).state).toBe('ready');
  } finally {
    await stack.stop();
  }
}, 120_000);

test('two instances on two homes run side by side on ports of their own', async () => {
  const stacks = [await startStack({ ...first, processes: ['postgres'] })];
  try {
    stacks.push(await startStack({ ...second, processes: ['postgres'] }));
    expect(stacks[0]?.ports.postgres).not.toBe(stacks[1]?.ports.postgres);
  } finally {
    await Promise.all(stacks.map((stack) => stack.stop()));
  }
}, 120_000);

test('servers held for a program that is killed with -9 stop, and their home is thrown away', async () => {
  const options = held;
  const holding = fork(new URL('hold-and-wait.ts', import.meta.url), {
    execArgv: [],
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  holding.send({ ...options, throwAway: true });
  await until(async () => readRunFile(options.home)?.state === 'ready', {
    what: 'the held servers',
    timeoutMs: 30_000,
  });
  const { supervisor, processes } = readRun(options.home);
  holding.kill('SIGKILL');
  await until(async () => !isAlive(supervisor), { what: 'the end of the holder' });
  for (const { identity } of Object.values(processes)) expect(identity !== null && isAlive(identity)).toBe(false);
  expect(existsSync(options.home)).toBe(false);
}, 120_000);

test('a busy PERDURE_PORT, a wrong one, and a database without its secret key are refused before anything starts', async () => {
  const busy = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => busy.once('listening', resolve));
  const { port } = busy.address() as AddressInfo;
  const options = invalid;
  const start = (env: NodeJS.ProcessEnv) =>
    startStack({ ...options, env: { ...options.env, ...env }, processes: ['postgres', 'api'] });
  try {
    await expect(start({ PERDURE_PORT: String(port) })).rejects.toThrow(/Port \d+, which PERDURE_PORT names.*in use/s);
    await expect(start({ PERDURE_PORT: 'http' })).rejects.toThrow(/"http", which is no port/);
    await expect(start({ DATABASE_URL: 'postgresql://127.0.0.1:1/none' })).rejects.toThrow(/PERDURE_SECRET_KEY is not/);
  } finally {
    busy.close();
  }
  expect(existsSync(path.join(options.home, 'postgres'))).toBe(false);
}, 120_000);
