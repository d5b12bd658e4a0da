import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { prepareNamespace } from '../../../platform/embedded/prepare-namespace.ts';
import { testServers } from './test-servers.ts';

/** A namespace of the calling test file alone, on the Temporal server that the run shares. */
export interface TestTemporal {
  readonly address: string;
  /** Fresh, with Perdure's search attributes: the product's own task queue names are free to be used in it. */
  readonly namespace: string;
  /** Where a person can look at the runs while the tests go on. */
  readonly ui: string;
}

/** Call at the top of a test file or describe block; the namespace exists before its tests run. */
export function testTemporal(): TestTemporal {
  const { temporalAddress: address, temporalUi: ui } = testServers();
  const namespace = `test-${randomBytes(6).toString('hex')}`;
  let connection: Connection;
  beforeAll(async () => {
    connection = await Connection.connect({ address });
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs(30 * 86_400_000),
    });
    await prepareNamespace({ connection, namespace, owned: true, log: () => {} });
  });
  afterAll(() => connection?.close());
  return { address, namespace, ui };
}
