import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { v7 } from 'uuid';
import { workflowIds, type SyncSourceInput } from '../../contracts/names/workflows.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';

jest.setTimeout(120_000);
const temporal = testTemporal();
let connection: Connection;
let client: Client;
beforeAll(async () => {
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
});
afterAll(() => connection.close());

const syncOf = (knowledgeSourceId: string): SyncSourceInput => ({
  workspaceId: v7(),
  knowledgeSourceId,
  syncId: v7(),
  kind: 'full',
});
const isAsked = async (workflowId: string) => {
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  return events?.some((event) => event.workflowExecutionCancelRequestedEventAttributes) ?? false;
};

describe('R2: a cancel of a sync, all of whose source have one workflow id', () => {
  test('reaches its run, and says so', async () => {
    const starter = createWorkStarter(client);
    const sync = syncOf(v7());
    await starter.startSync(sync);
    expect(await starter.cancelSync(sync)).toBe(true);
    expect(await isAsked(workflowIds.syncSource(sync.knowledgeSourceId))).toBe(true);
  });

  test('that comes late leaves the next sync of the source alone', async () => {
    const starter = createWorkStarter(client);
    const first = syncOf(v7());
    const workflowId = workflowIds.syncSource(first.knowledgeSourceId);
    await starter.startSync(first);
    await client.workflow.getHandle(workflowId).terminate('It has ended.');
    expect(await starter.cancelSync(first)).toBe(false);
    const second = syncOf(first.knowledgeSourceId);
    await starter.startSync(second);
    expect(await starter.cancelSync(first)).toBe(false);
    expect(await isAsked(workflowId)).toBe(false);
    expect(await starter.cancelSync(second)).toBe(true);
  });

  test('leaves it alone even if it begins between the look and the cancel', async () => {
    const first = syncOf(v7());
    const second = syncOf(first.knowledgeSourceId);
    const workflowId = workflowIds.syncSource(first.knowledgeSourceId);
    const starter = createWorkStarter(client);
    await starter.startSync(first);
    const slow = new Client({
      connection,
      namespace: temporal.namespace,
      interceptors: {
        workflow: [
          {
            async describe(input, next) {
              const found = await next(input);
              await client.workflow.getHandle(workflowId).terminate('It has ended.');
              await starter.startSync(second);
              return found;
            },
          },
        ],
      },
    });
    expect(await createWorkStarter(slow).cancelSync(first)).toBe(false);
    expect(await isAsked(workflowId)).toBe(false);
  });
});
