import { readFileSync, statSync, writeSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { LaunchPlan } from '../../platform/embedded/launch-plan.ts';
import { SetupFailure } from '../../scripts/setup/setup-failure.mjs';
import { LogFile } from '../../scripts/supervisor/log-file.ts';
import { ManagedProcess } from '../../scripts/supervisor/managed-process.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { until } from '../support/until.ts';

const { home } = isolatedStackOptions(28_000);
let lines: string[];
let messages: string[];
let logFile: LogFile;
let managed: ManagedProcess | null;

beforeEach(() => {
  lines = [];
  messages = [];
  managed = null;
  logFile = new LogFile(path.join(home, `${expect.getState().currentTestName?.length}.log`), (line) => {
    lines.push(line);
    managed?.noteLine(line);
  });
});
afterEach(async () => {
  await managed?.stop();
  logFile.close();
});

/** A managed Node program of a few lines. */
function manage(program: string, changes: Partial<LaunchPlan> = {}): ManagedProcess {
  const plan: LaunchPlan = {
    name: 'worker',
    command: process.execPath,
    args: ['-e', program],
    env: {},
    cwd: home,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 500,
    readyTimeoutMs: 5000,
    isReady: async () => true,
    ...changes,
  };
  const env = { PATH: process.env.PATH };
  managed = new ManagedProcess(plan, { env, logFile, log: (line) => messages.push(line), onChange: () => {} });
  return managed;
}

const serve = 'console.log("serving"); setInterval(() => {}, 1000)';

test('a process that dies is started again, after longer and longer waits', async () => {
  const subject = manage(serve);
  await subject.start();
  let lastWaitMs = 0;
  for (let death = 1; death <= 4; death += 1) {
    const { pid } = subject;
    const died = performance.now();
    subject.kill('SIGKILL');
    await until(async () => subject.state === 'ready' && subject.pid !== pid, { what: 'the next life' });
    lastWaitMs = performance.now() - died;
  }
  expect(subject.restarts).toBe(4);
  expect(lastWaitMs).toBeGreaterThan(800);
  expect(messages.filter((message) => message.includes('again in'))).toEqual(
    [100, 200, 400, 800].map((ms) => `worker ended unexpectedly (signal SIGKILL); starting it again in ${ms} ms`),
  );
});

test('a process that never comes up fails its start with the end of its log', async () => {
  const subject = manage('console.error("the reason"); process.exit(3)', { isReady: async () => false });
  const failure = await subject.start().catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(SetupFailure);
  expect(String(failure)).toMatch(/did not start \(exit code 3\).*the reason/s);
  expect(subject.state).toBe('stopped');
});

test('a process is ready only after its own word, not by what answered for the one before it', async () => {
  const program = `setTimeout(() => console.log("now I poll"), 300); ${serve}`;
  const subject = manage(program, { readyText: 'now I poll' });
  logFile.follow();
  const started = performance.now();
  await subject.start();
  expect(performance.now() - started).toBeGreaterThan(300);
  expect(lines).toContain('now I poll');
});

test('a process that ignores the polite signal is killed in time and not started again', async () => {
  const subject = manage(`process.on("SIGTERM", () => {}); ${serve}`);
  logFile.follow();
  await subject.start();
  await until(async () => lines.includes('serving'), { what: 'its first line' });
  await subject.stop();
  expect(messages).toContain('worker did not stop within 500 ms and was killed');
  expect(subject.pid).toBeNull();
  expect(subject.restarts).toBe(0);
});

test('a stop while the process waits to be started again is final', async () => {
  const subject = manage(serve);
  await subject.start();
  subject.kill('SIGKILL');
  await until(async () => subject.state === 'waiting to restart', { what: 'the wait' });
  await subject.stop();
  expect(messages.filter((message) => message.startsWith('worker started'))).toHaveLength(1);
});

test('a log that grew beyond 20 MB is moved aside while its process goes on writing', () => {
  const line = `${'x'.repeat(999)}\n`;
  for (let n = 0; n < 21_000; n += 1) writeSync(logFile.descriptor, line);
  logFile.flush();
  writeSync(logFile.descriptor, 'after\n');
  logFile.flush();
  expect(lines).toHaveLength(21_001);
  expect(readFileSync(logFile.path, 'utf8')).toBe('after\n');
  expect(statSync(`${logFile.path}.1`).size).toBe(21_000_000);
});
