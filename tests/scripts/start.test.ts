import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { isAlive } from '../../platform/embedded/process-identity.ts';
import { checkout } from '../../scripts/setup/installation.mjs';
import { readRunFile } from '../../scripts/supervisor/run-file.ts';
import type { RunFile } from '../../scripts/supervisor/run-file.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { until } from '../support/until.ts';

const { home, cache, env } = isolatedStackOptions(26_000);
let child: ChildProcess | null = null;
afterEach(() => {
  child?.kill('SIGKILL');
});

/** Runs `npm start`'s script on the home of this file; nothing may be fetched, which PIP_NO_INDEX makes sure of. */
function start(...args: string[]) {
  const { NODE_OPTIONS: _options, ...rest } = env;
  const started = spawn(process.execPath, [path.join(checkout, 'scripts/start.mjs'), ...args], {
    env: { ...rest, PERDURE_HOME: home, PERDURE_CACHE: cache, PIP_NO_INDEX: '1', OPENAI_API_KEY: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child = started;
  let output = '';
  started.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  started.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = new Promise<number | null>((resolve) => started.once('close', resolve));
  return { code, kill: (signal: NodeJS.Signals) => started.kill(signal), output: () => output };
}

function survivors(run: RunFile | null): string[] {
  if (run === null) throw new Error(`${home}/run.json cannot be read.`);
  return Object.entries(run.processes).flatMap(([name, { identity }]) => (identity && isAlive(identity) ? [name] : []));
}

test('--once ingests the documentation, answers from it with verified quotes, stops everything and ends with 0', async () => {
  const once = start('--once');
  expect([await once.code, once.output()]).toEqual([0, expect.stringContaining('stands in the cited file')]);
  expect(once.output()).toMatch(/\[\d+\] docs\/[\w/-]+\.md, ".+": "/);
  const run = readRunFile(home);
  expect(run?.state).toBe('stopped');
  expect(survivors(run)).toEqual([]);
}, 480_000);

test('a later start serves on what is there, and SIGTERM stops everything within ten seconds', async () => {
  const serving = start();
  await until(async () => serving.output().includes('Perdure is ready'), { what: 'the addresses', timeoutMs: 180_000 });
  const before = readRunFile(home);
  expect(serving.output()).toContain(`API            ${before?.urls.api}`);
  const authorization = `Bearer ${readFileSync(path.join(home, 'api-key'), 'utf8').trim()}`;
  const [, body = '', url = ''] = /-d '(.+)' (http\S+)/.exec(serving.output()) ?? [];
  const headers = { authorization, 'content-type': 'application/json' };
  const tried = await fetch(url, { method: 'POST', headers, body });
  expect([tried.status, await tried.text()]).toEqual([200, expect.stringContaining('docs/')]);

  const refused = start();
  expect(await refused.code).toBe(1);
  expect(refused.output()).toContain(`already runs on ${home}`);

  const asked = performance.now();
  serving.kill('SIGTERM');
  expect(await serving.code).toBe(0);
  expect(performance.now() - asked).toBeLessThan(10_000);
  expect(survivors(before)).toEqual([]);
}, 300_000);

test('after kill -9 of the supervisor a start takes its servers over and replaces its API and worker', async () => {
  const first = start();
  await until(async () => first.output().includes('Perdure is ready'), { what: 'the addresses', timeoutMs: 180_000 });
  const before = readRunFile(home);
  first.kill('SIGKILL');
  await first.code;
  expect(survivors(before)).toEqual(['postgres', 'temporal', 'api', 'worker']);

  const second = start();
  await until(async () => second.output().includes('Perdure is ready'), { what: 'the addresses', timeoutMs: 180_000 });
  const after = readRunFile(home);
  expect(after?.processes.postgres?.identity).toEqual(before?.processes.postgres?.identity);
  expect(after?.processes.temporal?.identity).toEqual(before?.processes.temporal?.identity);
  expect(after?.urls).toEqual(before?.urls);
  expect(survivors(before)).toEqual(['postgres', 'temporal']);
  second.kill('SIGINT');
  expect(await second.code).toBe(0);
  expect(survivors(after)).toEqual([]);
}, 480_000);
