import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { InternalConnectionOptionsSymbol } from '@temporalio/client/lib/connection.js';
import { msToTs } from '@temporalio/common/lib/time.js';
import { reserveFreePort } from '../../../platform/embedded/free-port.ts';
import { until } from '../until.ts';
import { testServers } from './test-servers.ts';
import type { TestTemporal } from './test-temporal.ts';

// As Temporal's own testing package asks for the service that puts the clock forward.
const clock = { [InternalConnectionOptionsSymbol]: { supportsTestService: true } };

/** A Temporal server whose clock can be put forward. */
export interface TimeSkippingTemporal extends TestTemporal {
  readonly connection: Connection;
  /** Lets so much time pass at once, for every timer of the server. */
  skip(milliseconds: number): Promise<void>;
}

/**
 * Starts Temporal's time-skipping test server for the calling file; call it at the top. It ends with the process of the
 * tests, however that ends.
 */
export function timeSkippingTemporal(): TimeSkippingTemporal {
  let holder: ChildProcess;
  const temporal = { address: '', namespace: 'default', ui: '' } as {
    -readonly [Key in keyof TimeSkippingTemporal]: TimeSkippingTemporal[Key];
  };
  beforeAll(async () => {
    const { port, release } = await reserveFreePort(20_000 + Math.floor(Math.random() * 10_000));
    await release();
    holder = fork(new URL('./hold-temporal.mjs', import.meta.url), { execArgv: [] });
    holder.send({ command: testServers().testServerExecutable, args: [String(port), '--enable-time-skipping'] });
    temporal.address = `127.0.0.1:${port}`;
    temporal.connection = await until(
      () => Connection.connect({ address: temporal.address, connectTimeout: '1 second', ...clock }).catch(() => null),
      { what: 'the time-skipping server', everyMs: 200 },
    );
    const { testService } = temporal.connection;
    if (!testService) throw new Error('The server has no clock that can be put forward.');
    temporal.skip = async (milliseconds) => {
      await testService.unlockTimeSkippingWithSleep({ duration: msToTs(milliseconds) });
    };
  });
  afterAll(async () => {
    await temporal.connection?.close();
    const ended = once(holder, 'exit');
    holder.disconnect();
    await ended;
  });
  return temporal;
}
