import { NativeConnection, Worker } from '@temporalio/worker';
import { createWebhookActivities } from '../../../activities/webhooks/create-webhook-activities.ts';
import { taskQueues, webhookQueue } from '../../../contracts/names/task-queues.ts';
import type { Database } from '../../../platform/database.ts';
import { openGuardedFetch } from '../../../platform/guarded-fetch.ts';
import { open } from '../../../platform/seal.ts';
import { workflowBundle } from '../../../platform/workflow-bundle.ts';
import { testServers } from '../servers/test-servers.ts';
import type { TestTemporal } from '../servers/test-temporal.ts';

/**
 * Starts a worker that sends to webhooks, to loopback too, and waits a second for an answer; returns what stops it.
 */
export async function startWebhookWorker(
  temporal: TestTemporal,
  { database, secretKey }: { database: Database; secretKey: string },
): Promise<() => Promise<void>> {
  const guarded = openGuardedFetch({ PERDURE_FETCH_ALLOW: ['127.0.0.1'] });
  const connection = await NativeConnection.connect({ address: temporal.address });
  const activities = createWebhookActivities({
    database,
    fetch: (request) => guarded({ ...request, timeoutMs: 1000 }),
    openSealed: (sealed) => open(secretKey, sealed),
  });
  const codePath = await workflowBundle(testServers().cache);
  const workers = await Promise.all(
    [{ taskQueue: taskQueues.sync, workflowBundle: { codePath } }, { taskQueue: webhookQueue }].map((queue) =>
      Worker.create({
        ...queue,
        connection,
        namespace: temporal.namespace,
        activities,
        shutdownGraceTime: '1 second',
        shutdownForceTime: '20 seconds',
      }),
    ),
  );
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await connection.close();
  };
}
