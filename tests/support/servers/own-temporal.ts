import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { planTemporal } from '../../../platform/embedded/temporal-server.ts';
import { until } from '../until.ts';
import { testServers } from './test-servers.ts';
import type { TestTemporal } from './test-temporal.ts';

/**
 * A Temporal server of the calling test file alone, with further dynamic configuration. Call at the top of a test file;
 * it serves before its tests run, and ends with the process of the tests, however that ends.
 */
export function ownTemporal(dynamicConfig: Record<string, number>): TestTemporal {
  const { temporalExecutable: executable, stacks } = testServers();
  const folder = mkdtempSync(path.join(stacks, 'temporal-'));
  const self = { address: '', namespace: 'default', ui: '' };
  let holder: ChildProcess;
  beforeAll(async () => {
    const [port, uiPort] = [await freePort(), await freePort()];
    const plan = planTemporal({ executable, databaseFile: path.join(folder, 'temporal.db'), port, uiPort });
    const further = Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${value}`,
    ]);
    holder = fork(new URL('./hold-temporal.mjs', import.meta.url), { execArgv: [] });
    holder.send({ command: plan.command, args: [...plan.args, ...further] });
    self.address = `127.0.0.1:${port}`;
    self.ui = `http://127.0.0.1:${uiPort}`;
    const serves = async () => {
      const connection = await Connection.connect({ address: self.address, connectTimeout: '1 second' }).catch(
        () => null,
      );
      const namespace = await connection?.workflowService.describeNamespace({ namespace: 'default' }).catch(() => null);
      await connection?.close();
      return namespace != null;
    };
    await until(serves, { what: 'a Temporal server', timeoutMs: 60_000, everyMs: 200 });
  }, 90_000);
  afterAll(async () => {
    const ended = once(holder, 'exit');
    holder.disconnect();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  });
  return self;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
