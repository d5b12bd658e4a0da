import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Client } from '@temporalio/client';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { conversationMessages, workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { timeSkippingTemporal } from '../support/servers/time-skipping.ts';
import { until } from '../support/until.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { createConversation, createWorkspace } from '../support/workspaces/create-workspace.ts';
import { turnClient } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const day = 86_400_000;
const rows = testDatabase();
const temporal = timeSkippingTemporal();
let database: Database;
let provider: FakeProvider;
let service: EffectService;
let worker: ConversationWorker;

const startWorker = () => {
  const write = { url: `${service.url}/pay`, effect: 'write' as const };
  const within = (seconds?: number) => ({
    ...write,
    approval: { mode: 'always' as const, expires_after_seconds: seconds },
  });
  return startConversationWorker(database, temporal, {
    // The test server leaves an update with the worker that had the workflow before, also when that has gone.
    maxCachedWorkflows: 0,
    // Its long polls end late on a busy machine, and a worker that is cut off before reports what it had not yet let go.
    shutdownForceTime: '30 seconds',
    tools: offerTools([
      effectTool({ name: 'pay', ...within() }),
      effectTool({ name: 'refund', ...within() }),
      effectTool({ name: 'reserve', ...within(7200) }),
      effectTool({ name: 'order', ...within((29 * day) / 1000) }),
    ]),
  });
};

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  provider = await startFakeProvider();
  service = await startEffectService();
  worker = await startWorker();
});
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
  await service?.stop();
  await database?.close();
});

/** A turn whose model wants four calls approved. */
async function waitingTurn() {
  const model = 'fake?tokens=3&tool=pay,refund,reserve,order';
  const workspace = await createWorkspace(database, { endpoint: provider.url, model });
  await database.inWorkspace(workspace.workspaceId, (em) =>
    query(em, `update models set capabilities = '{"supportsTools": true}' where id = $1`, [workspace.modelId]),
  );
  const client = new Client({ connection: temporal.connection, namespace: temporal.namespace });
  const conversationId = await createConversation(database, workspace);
  const { workspaceId, agentId } = workspace;
  // The test server has no Update-With-Start.
  const handle = await client.workflow.start(workflowTypes.conversation, {
    workflowId: workflowIds.conversation(conversationId),
    taskQueue: taskQueues.chat,
    args: [{ workspaceId, conversationId, agentId }],
  });
  const chat = turnClient(database, client, workspace, conversationId, {
    submitTurn: ({ turnId }) => handle.executeUpdate(conversationMessages.submitTurn, { args: [{ turnId }] }),
    cancelTurn: ({ turnId }) => handle.executeUpdate(conversationMessages.cancelTurn, { args: [{ turnId }] }),
    decideCall: ({ turnId, callId }) =>
      handle.executeUpdate(conversationMessages.decideCall, { args: [{ turnId, callId }] }),
  });
  const turnId = await chat.send('Pay');
  const timers = async () =>
    ((await handle.fetchHistory()).events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
      timer ? [Math.round(Number(timer.startToFireTimeout?.seconds) / 3600)] : [],
    );
  return { chat, turnId, timers };
}

test('R18: an approval is good on day 29 after a restart, and becomes a denial after 30 days, or when its tool says', async () => {
  const { chat, turnId, timers } = await waitingTurn();
  await until(async () => (await timers()).filter((hours) => hours >= 2).length === 4, {
    what: 'a timer for each call',
  });
  expect((await timers()).filter((hours) => hours >= 2).toSorted((a, b) => a - b)).toEqual([2, 696, 720, 720]);

  // A clock that is put forward does not stop before the next timer: here that of the order, on day 29.
  await temporal.skip(28.9 * day);
  await chat.callIn(turnId, 'reserve', 'expired');
  await chat.callIn(turnId, 'order', 'expired');
  expect(await chat.turn(turnId)).toMatchObject({ state: 'waiting' });
  await worker.stop();
  worker = await startWorker();
  const pay = await chat.callIn(turnId, 'pay', 'proposed');
  expect(await chat.decide(turnId, pay, 'approved')).toBe('taken');
  expect(await chat.callIn(turnId, 'pay', 'succeeded')).toMatchObject({ approval: 'approved', attempts: 1 });
  const refund = await chat.callIn(turnId, 'refund', 'proposed', 'expired');

  await temporal.skip(2 * day);
  expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
  expect(await chat.callIn(turnId, 'refund', 'expired')).toMatchObject({ approval: 'expired', attempts: 0 });
  expect(await chat.promptOf(turnId, 1)).toContain('Nobody approved this call in time');
  expect(await chat.decide(turnId, refund, 'approved', { tell: false })).toBe('refused');
  expect(service.log().filter(({ applied }) => applied)).toHaveLength(1);
});
