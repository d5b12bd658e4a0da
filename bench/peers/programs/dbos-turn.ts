import { randomUUID } from 'node:crypto';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { connections, MessageTable } from './message-table.ts';
import type { Message } from './message-table.ts';
import { serveTurns, turnOrder } from './serve-turns.ts';
import { streamAnswer } from './stream-answer.ts';

/** DBOS: a workflow of three steps; text goes out through memory, or, as the variant `stream`, through its stored stream. */
const isStored = turnOrder.variant === 'stream';
const listeners = new Map<string, (text: string) => void>();
const messages = await MessageTable.open(turnOrder.databaseUrl);

const turn = DBOS.registerWorkflow(
  async (conversation: string, content: string) => {
    const id = DBOS.workflowID!;
    const history = await DBOS.runStep(
      async () => {
        await messages.add(conversation, { role: 'user', content });
        return messages.last(conversation);
      },
      { name: 'remember' },
    );
    const answer = await DBOS.runStep(
      () => (isStored ? writeAnswer(history) : streamAnswer(history, (text) => listeners.get(id)?.(text))),
      {
        name: 'answer',
      },
    );
    await DBOS.runStep(() => messages.add(conversation, { role: 'assistant', content: answer }), { name: 'store' });
    if (isStored) await DBOS.closeStream('text');
  },
  { name: 'turn' },
);

/** Writes the first piece at once, and each next time all that came during the last write. */
async function writeAnswer(history: readonly Message[]): Promise<string> {
  let waiting = '';
  let isWriting = false;
  let writing = Promise.resolve();
  const write = async () => {
    isWriting = true;
    while (waiting !== '') {
      const text = waiting;
      waiting = '';
      await DBOS.writeStream('text', text);
    }
    isWriting = false;
  };
  const answer = await streamAnswer(history, (text) => {
    waiting += text;
    if (!isWriting) writing = write();
  });
  await writing;
  return answer;
}

DBOS.setConfig({
  name: 'bench',
  systemDatabaseUrl: turnOrder.databaseUrl,
  systemDatabasePoolSize: connections,
  logLevel: 'error',
});
await DBOS.launch();

serveTurns(async ({ conversation, content }, send) => {
  const workflowID = randomUUID();
  if (isStored) {
    await DBOS.startWorkflow(turn, { workflowID })(conversation, content);
    for await (const text of DBOS.readStream<string>(workflowID, 'text')) send(text);
    return;
  }
  listeners.set(workflowID, send);
  await DBOS.withNextWorkflowID(workflowID, () => turn(conversation, content));
  listeners.delete(workflowID);
});
