import { describe, expect, jest, test } from '@jest/globals';
import { NativeConnection, Worker } from '@temporalio/worker';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { textsOf } from '../support/texts-of.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';

jest.setTimeout(300_000);
const secret = 'confidential';
const harness = conversationHarness({
  pool: 20,
  tools: ({ url }) =>
    offerTools([
      effectTool({
        name: 'read',
        url: `${url}/read`,
        effect: 'read',
        result: () => {
          const content = `${secret} `.repeat(400);
          return { content, isError: false, truncated: false, bytes: content.length };
        },
      }),
      effectTool({ name: 'pay', url: `${url}/pay`, effect: 'write', approval: { mode: 'always' } }),
    ]),
});

const conversationWith = (model: string, capabilities: Record<string, unknown> = {}) =>
  harness.open({ model, capabilities: { supportsTools: true, ...capabilities } });

/** Starts the conversation's workflow with runs so short that messages race their ends. */
async function startShortRuns(chat: Awaited<ReturnType<typeof conversationWith>>, turnsPerRun: number) {
  const { workspaceId, agentId } = chat.workspace;
  return harness.client.workflow.start(workflowTypes.conversation, {
    workflowId: workflowIds.conversation(chat.conversationId),
    taskQueue: taskQueues.chat,
    args: [{ workspaceId, conversationId: chat.conversationId, agentId, turnsPerRun }],
  });
}

describe('a conversation across its runs', () => {
  test('R38: of 1,000 updates that race continue-as-new none is lost, and no message is answered twice', async () => {
    const chat = await conversationWith('fake?tokens=1&answer=ok', { supportsTools: false });
    await startShortRuns(chat, 10);
    const turns: string[] = [];
    for (let batch = 0; batch < 10; batch += 1) {
      const accepted = await Promise.all(
        Array.from({ length: 25 }, (_, n) => chat.accept(`message ${25 * batch + n}`)),
      );
      // Each is brought four times, as by clients that try again and by sweeps.
      await Promise.all(
        accepted.map(async (turnId) => {
          for (let time = 0; time < 4; time += 1) await chat.submit(turnId);
        }),
      );
      turns.push(...accepted);
    }
    const done = () => chat.query(`select id from turns where state = 'completed' and attempt = 1`);
    await until(async () => (await done()).length === turns.length, { what: 'all answers', timeoutMs: 200_000 });
    expect(turns).toHaveLength(250);
    const asked = harness.provider.log().map(({ idempotencyKey }) => idempotencyKey);
    expect([asked.length, new Set(asked).size]).toEqual([250, 250]);
    const runs = new Set<string>();
    const byId = `WorkflowId = '${workflowIds.conversation(chat.conversationId)}'`;
    await until(
      async () => {
        for await (const run of harness.client.workflow.list({ query: byId })) runs.add(run.runId);
        return runs.size >= 15;
      },
      { what: 'the list of runs' },
    );
  });

  test('R18: a turn that waits for approval goes on after a full restart of the worker, in another run', async () => {
    const chat = await conversationWith('fake?tokens=3&tool=pay');
    await startShortRuns(chat, 1);
    const turnId = await chat.send('Pay');
    const waiting = await chat.callIn(turnId, 'pay', 'proposed');
    await harness.worker.stop();
    await harness.client.workflow.getHandle(workflowIds.conversation(chat.conversationId)).terminate('a lost cluster');
    harness.worker = await harness.startWorker();
    expect(await chat.decide(turnId, waiting, 'approved')).toBe('taken');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(harness.service.log().filter(({ idempotencyKey }) => idempotencyKey === waiting.id)).toHaveLength(1);
  });

  test('R33: 100 calls of tools and a transcript of 200,000 tokens leave a history of less than 2 MB without text', async () => {
    const chat = await conversationWith('fake?tokens=3', { contextWindow: 1_000_000 });
    const long = `${secret} `.repeat(2_000);
    await chat.query(
      `update agents set limits = '{"steps": 60, "tokens": null, "seconds": null, "cost": null}' where id = $1`,
      [chat.workspace.agentId],
    );
    harness.provider.control({
      script: [
        ...Array.from({ length: 20 }, () => ({ answer: long.slice(0, 20_000) })),
        ...Array.from({ length: 50 }, () => ({
          toolCalls: [
            { name: 'read', arguments: { note: secret } },
            { name: 'read', arguments: { note: secret } },
          ],
        })),
      ],
    });
    for (let turn = 0; turn < 20; turn += 1) await chat.ended(await chat.send(long.slice(0, 20_000)), 60_000);
    const turnId = await chat.send(`Find what is ${secret}`);
    expect(await chat.ended(turnId, 200_000)).toMatchObject({ state: 'completed', limit_reached: null });
    expect(await chat.calls(turnId)).toHaveLength(100);
    const history = await harness.client.workflow
      .getHandle(workflowIds.conversation(chat.conversationId))
      .fetchHistory();
    const size = JSON.stringify(history).length;
    expect(size).toBeLessThan(2_000_000);
    expect(textsOf(history).join('\n')).not.toContain(secret);
  });
});

describe('a fault in the code of the workflow', () => {
  test('R39: fails the turn with a reason instead of blocking it', async () => {
    await harness.worker.stop();
    const chat = await conversationWith('fake?tokens=1');
    const native = await NativeConnection.connect({ address: harness.temporal.address });
    const ends: unknown[] = [];
    const faulty = await Worker.create({
      connection: native,
      namespace: harness.temporal.namespace,
      taskQueue: taskQueues.chat,
      workflowBundle: { codePath: await workflowBundle(testServers().cache) },
      activities: {
        // What no version of this product gives: the workflow trips over the list that is not there.
        generateAnswer: async () => ({ state: 'tools', step: 0 }),
        endTurn: async (_turn: unknown, end: unknown) => {
          ends.push(end);
          return { state: 'failed' };
        },
      },
      sinks: { trace: { span: { fn: () => {} } } },
    });
    const running = faulty.run();
    await chat.send('Trip');
    await until(async () => ends.length > 0, { what: 'the end of the turn' });
    expect(ends).toEqual([{ state: 'failed', code: 'internal' }]);
    const handle = harness.client.workflow.getHandle(workflowIds.conversation(chat.conversationId));
    expect((await handle.describe()).status.name).toBe('RUNNING');
    faulty.shutdown();
    await running;
    await native.close();
    harness.worker = await harness.startWorker();
  });
});
