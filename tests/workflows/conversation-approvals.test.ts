import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
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

jest.setTimeout(60_000);
const day = 86_400_000;
const rows = testDatabase();
const temporal = timeSkippingTemporal();
let database: Database;
let provider: FakeProvider;
let service: EffectService;
let worker: ConversationWorker;

const startWorker = () =>
  startConversationWorker(database, temporal, {
    tools: offerTools([
      effectTool({ name: 'pay', url: `${service.url}/pay`, effect: 'write', approval: { mode: 'always' } }),
    ]),
  });

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

async function waitingPayment() {
  const workspace = await createWorkspace(database, { endpoint: provider.url, model: 'fake?tokens=3&tool=pay' });
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
  const call = await chat.callIn(turnId, 'pay', 'proposed', 'expired');
  const timers = async () =>
    ((await handle.fetchHistory()).events ?? []).flatMap(({ timerStartedEventAttributes: timer }) =>
      timer ? [Number(timer.startToFireTimeout?.seconds) / 86_400] : [],
    );
  await until(async () => (await timers()).some((days) => days > 29.9 && days < 30.1), {
    what: 'the workflow to wait for 30 days',
  });
  return { chat, turnId, call };
}

describe('R18: an approval that nobody gives', () => {
  test('becomes a denial after 30 days, of which the model is told, and not before', async () => {
    const { chat, turnId, call } = await waitingPayment();
    await temporal.skip(31 * day);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    expect((await chat.calls(turnId))[0]).toMatchObject({ state: 'expired', approval: 'expired', attempts: 0 });
    expect(await chat.promptOf(turnId, 1)).toContain('Nobody approved this call in time');
    expect(await chat.decide(turnId, call, 'approved', { tell: false })).toBe('refused');
    expect(service.log()).toEqual([]);
  });
});
