import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { v7 } from 'uuid';
import { taskQueues, webhookQueue } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import { queueTest } from '../../entities/webhooks/webhook-delivery-repository.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { seal } from '../../platform/seal.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { timeSkippingTemporal } from '../support/servers/time-skipping.ts';
import { until } from '../support/until.ts';
import { answerWith, startReceiver, type Receiver } from '../support/webhooks/start-receiver.ts';
import { startWebhookWorker } from '../support/webhooks/webhook-worker.ts';
import { createWorkspace } from '../support/workspaces/create-workspace.ts';

jest.setTimeout(120_000);
const rows = testDatabase();
const temporal = timeSkippingTemporal();
const secretKey = randomBytes(32).toString('base64');
const attempts = 11;
let database: Database;
let receiver: Receiver;
let stopWorker: () => Promise<void>;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 6 }, 'webhook-test');
  receiver = await startReceiver();
  stopWorker = await startWebhookWorker(temporal, { database, secretKey });
});

afterAll(async () => {
  await stopWorker?.();
  await receiver?.close();
  await database?.close();
});

test('a receiver that is away is tried eleven times within a day and a half; then the message is a dead letter', async () => {
  const { workspaceId } = await createWorkspace(database);
  const [webhookId, deliveryId] = [v7(), v7()];
  const secret = seal(secretKey, `whsec_${randomBytes(32).toString('base64')}`);
  await database.inWorkspace(workspaceId, async (em) => {
    await query(
      em,
      `insert into webhooks (id, workspace_id, url, events, secret) values ($1, $2, $3, '{job.failed}', $4)`,
      [webhookId, workspaceId, `${receiver.url}/away`, secret],
    );
    await queueTest(em, { workspaceId, deliveryId, webhookId, event: 'webhook.test' });
  });
  receiver.answers.set('/away', Array(attempts).fill(answerWith(503)));
  const client = new Client({ connection: temporal.connection });
  const handle = await client.workflow.start(workflowTypes.deliverWebhook, {
    workflowId: workflowIds.deliverWebhook(deliveryId),
    taskQueue: taskQueues.sync,
    args: [{ workspaceId, deliveryId }],
  });
  let waitedSeconds = 0;
  for (let attempt = 1; attempt < attempts; attempt += 1) {
    await until(async () => receiver.at('/away').length >= attempt, { what: `attempt ${attempt}` });
    const seconds = Math.min(5 * 4 ** (attempt - 1), 8 * 3600);
    await temporal.skip(seconds * 1000);
    waitedSeconds += seconds;
  }
  await expect(handle.result()).rejects.toThrow('Workflow execution failed');
  expect(receiver.at('/away').map(({ headers }) => headers['webhook-id'])).toEqual(Array(attempts).fill(deliveryId));
  // Sent from slots of their own, so that no receiver who takes long keeps a source waiting.
  const { events } = await handle.fetchHistory();
  const scheduled = events!.flatMap((event) => event.activityTaskScheduledEventAttributes?.taskQueue?.name ?? []);
  expect(scheduled).toEqual([webhookQueue]);
  expect(waitedSeconds / 3600).toBeGreaterThan(30);
  expect(waitedSeconds / 3600).toBeLessThan(36);
  const [delivery] = await database.inWorkspace(workspaceId, (em) =>
    query(em, `select state, attempts, last_status, last_error from webhook_deliveries where id = $1`, [deliveryId]),
  );
  expect(delivery).toEqual({
    state: 'dead',
    attempts,
    last_status: 503,
    last_error: { code: 'fetch_failed', detail: 'The receiver answered 503; 2xx says that it took the message.' },
  });
});
