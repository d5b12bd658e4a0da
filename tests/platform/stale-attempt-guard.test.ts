import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Context } from '@temporalio/activity';
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { v7 } from 'uuid';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { staleAttemptGuard } from '../../platform/stale-attempt-guard.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const temporal = testTemporal();
// Longer than the heartbeat time-out of the steps of a turn.
const frozenMs = 4500;
const began: Array<{ turnId: string; attempt: number }> = [];
const done: string[] = [];
const stops: Array<() => Promise<void>> = [];
let client: Client;

// Shorter than it; but with the work, which sends no heartbeat here, it is longer.
const heldUpMs = 2000;
const workMs = 2000;

/** Holds up first attempts of the turn, as a worker does that is frozen with the task in its connection. */
const frozenAtFirst: ActivityInterceptorsFactory = ({ info }) => ({
  inbound: {
    async execute(input, next) {
      const { turnId } = input.args[0] as { turnId: string };
      if (info.attempt === 1 && turnId === 'frozen') await sleep(frozenMs);
      if (info.attempt === 1 && turnId === 'held up') await sleep(heldUpMs);
      return next(input);
    },
  },
});

async function startWorker(part: 'workflows' | 'activities'): Promise<void> {
  const connection = await NativeConnection.connect({ address: temporal.address });
  const worker = await Worker.create({
    connection,
    namespace: temporal.namespace,
    taskQueue: taskQueues.chat,
    ...(part === 'workflows'
      ? { workflowBundle: { codePath: await workflowBundle(testServers().cache) } }
      : {
          activities: {
            async generateAnswer({ turnId }: { turnId: string }) {
              began.push({ turnId, attempt: Context.current().info.attempt });
              if (turnId === 'held up') await sleep(workMs);
              done.push(turnId);
              return { state: 'completed' };
            },
          },
          interceptors: { activity: [frozenAtFirst, staleAttemptGuard] },
        }),
    sinks: { trace: { span: { fn: () => {} } } },
  });
  const running = worker.run();
  stops.push(async () => {
    worker.shutdown();
    await running;
    await connection.close();
  });
}

async function startTurn(turnId: string): Promise<void> {
  const conversationId = v7();
  await client.workflow.start(workflowTypes.conversation, {
    workflowId: workflowIds.conversation(conversationId),
    taskQueue: taskQueues.chat,
    args: [{ workspaceId: v7(), conversationId, agentId: v7(), queue: [{ turnId }] }],
  });
}

const attemptsOf = (turnId: string) => began.filter((one) => one.turnId === turnId).map(({ attempt }) => attempt);

beforeAll(async () => {
  const connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  stops.push(() => connection.close());
  await startWorker('workflows');
}, 120_000);
afterAll(async () => {
  for (const stop of stops.reverse()) await stop();
});

describe('an attempt that begins long after it was handed out', () => {
  test('waited in the queue, and is run', async () => {
    await startTurn('queued');
    await sleep(frozenMs);
    await startWorker('activities');
    await until(async () => attemptsOf('queued').length > 0, { what: 'the attempt' });
    expect(attemptsOf('queued')).toEqual([1]);
  });

  test('was given up by Temporal meanwhile, and is not: its successor alone does the work', async () => {
    await startTurn('frozen');
    await until(async () => attemptsOf('frozen').length > 0, { what: 'the attempt' });
    expect(attemptsOf('frozen')).toEqual([2]);
  });

  test('is waited for anew from its beginning', async () => {
    await startTurn('held up');
    await until(async () => done.includes('held up'), { what: 'its end' });
    expect(attemptsOf('held up')).toEqual([1]);
  });
});
