import { fileURLToPath } from 'node:url';
import { Client, Connection, WithStartWorkflowOperation } from '@temporalio/client';
import type { Workflow } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { MessageTable } from './message-table.ts';
import { serveTurns, turnOrder } from './serve-turns.ts';
import { streamAnswer } from './stream-answer.ts';

/** Plain Temporal: one running workflow a conversation, whose Update runs one activity; text goes out through memory. */
const taskQueue = 'bench-peer';
const listeners = new Map<string, (text: string) => void>();
const messages = await MessageTable.open(turnOrder.databaseUrl);

const activities = {
  async answer(id: string, conversation: string, content: string): Promise<void> {
    await messages.add(conversation, { role: 'user', content });
    const answer = await streamAnswer(await messages.last(conversation), (text) => listeners.get(id)?.(text));
    await messages.add(conversation, { role: 'assistant', content: answer });
  },
};

/** What the workflow calls. */
export type Activities = typeof activities;

const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: turnOrder.temporalAddress }),
  taskQueue,
  workflowsPath: fileURLToPath(new URL('./temporal-workflow.ts', import.meta.url)),
  activities,
});
void worker.run();
const { workflow } = new Client({ connection: await Connection.connect({ address: turnOrder.temporalAddress }) });
let turns = 0;

serveTurns(async ({ conversation, content }, send) => {
  const id = String((turns += 1));
  listeners.set(id, send);
  await workflow.executeUpdateWithStart('ask', {
    args: [id, conversation, content],
    startWorkflowOperation: new WithStartWorkflowOperation<Workflow>('entity', {
      workflowId: `peer/${conversation}`,
      taskQueue,
      args: [],
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });
  listeners.delete(id);
});
