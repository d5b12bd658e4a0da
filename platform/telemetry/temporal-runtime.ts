import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { Runtime } from '@temporalio/worker';
import type { RuntimeOptions } from '@temporalio/worker';
import { temporalLogger } from '../log.ts';
import type { Logger } from '../log.ts';
import type { Metrics } from './metrics.ts';

/**
 * Installs Temporal's runtime with its messages in our log and its metrics in `metrics`. Must run once, before the
 * process's first NativeConnection. `shutdownSignals` is Temporal's own setting.
 */
export async function installTemporalRuntime({
  logger,
  metrics,
  shutdownSignals,
}: {
  logger: Logger;
  metrics: Metrics;
  shutdownSignals?: RuntimeOptions['shutdownSignals'];
}): Promise<void> {
  const bindAddress = `127.0.0.1:${await freePort()}`;
  Runtime.install({
    logger: temporalLogger(logger),
    ...(shutdownSignals ? { shutdownSignals } : {}),
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'WARN', other: 'ERROR' } },
      metrics: {
        prometheus: { bindAddress, unitSuffix: true, useSecondsForDurations: true },
      },
    },
  });
  metrics.mergeFrom(`http://${bindAddress}/metrics`);
}

/** The core takes a port by number only and cannot say which free one it took. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
