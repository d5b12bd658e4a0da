import { fork, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { reserveFreePort } from '../../platform/embedded/free-port.ts';
import { checkout } from '../../scripts/setup/installation.mjs';
import { answersOk } from '../../scripts/supervisor/node-process.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';

const readyWithinMs = 60_000;

/** The product on one database: where it answers, and its processes. */
export interface Served {
  url: string;
  pids: Record<'postgres' | 'temporal' | 'api' | 'worker', number>;
  /** Kills the worker as `kill -9` does, and resolves when another one polls. */
  replaceWorker(): Promise<void>;
  /** Has the worker collect its garbage; megabytes of JavaScript that are in use then. */
  liveMegabytes(): Promise<number>;
}

/** Runs `work` while the product's API and the bench's worker serve one database of the stack. */
export async function withServedDatabase<T>(
  stack: Stack,
  options: { databaseUrl: string; vectors: string },
  work: (served: Served) => Promise<T>,
): Promise<T> {
  const reserved = await reserveFreePort(27_500);
  await reserved.release();
  const env = {
    ...stack.env,
    DATABASE_URL: options.databaseUrl,
    PERDURE_PORT: String(reserved.port),
    PERDURE_LOG_LEVEL: 'error',
  };
  const api = spawn(process.execPath, [path.join(checkout, 'server.ts')], { cwd: checkout, env, stdio: 'inherit' });
  const startWorker = () =>
    fork(path.join(import.meta.dirname, 'serve-worker.ts'), [options.vectors], { cwd: checkout, env });
  let worker = startWorker();
  let replaced: ChildProcess | null = null;
  const workerFailed = async (): Promise<never> => {
    for (;;) {
      const current = worker;
      const [code] = (await once(current, 'exit')) as [number | null];
      if (current !== replaced) throw endedEarly('worker', code);
    }
  };
  const replaceWorker = async () => {
    replaced = worker;
    worker = startWorker();
    replaced.kill('SIGKILL');
    await polling(worker);
  };
  const liveMegabytes = async () => {
    worker.send('measure');
    return ((await once(worker, 'message')) as [number])[0];
  };
  try {
    const url = `http://127.0.0.1:${reserved.port}`;
    await Promise.race([polling(worker), workerFailed(), failed(api, 'API')]);
    await Promise.race([serving(url), failed(api, 'API')]);
    const pids = {
      postgres: stack.processes.postgres!.pid!,
      temporal: stack.processes.temporal!.pid!,
      api: api.pid!,
      worker: worker.pid!,
    };
    return await Promise.race([work({ url, pids, replaceWorker, liveMegabytes }), workerFailed(), failed(api, 'API')]);
  } finally {
    await Promise.all([stop(api, () => api.kill('SIGTERM')), stop(worker, () => worker.disconnect())]);
  }
}

async function polling(worker: ChildProcess): Promise<void> {
  await once(worker, 'message');
}

async function failed(child: ChildProcess, name: string): Promise<never> {
  const [code] = (await once(child, 'exit')) as [number | null];
  throw endedEarly(name, code);
}

const endedEarly = (name: string, code: number | null): Error =>
  new Error(`The bench's ${name} ended with code ${code}; its reason stands above.`);

async function serving(url: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (!(await answersOk(`${url}/readyz`))) {
    if (Date.now() > deadline) throw new Error(`The bench's API at ${url} was not ready within ${readyWithinMs} ms.`);
    await sleep(50);
  }
}

async function stop(child: ChildProcess, ask: () => void): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  ask();
  const killer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(killer);
}
