import { Agent } from '@mastra/core/agent';
import { Memory } from '@mastra/memory';
import { PostgresStore } from '@mastra/pg';
import { connections } from './message-table.ts';
import { serveTurns, turnOrder } from './serve-turns.ts';

/** Mastra: an agent whose memory of messages is in Postgres. */
const agent = new Agent({
  id: 'bench',
  name: 'bench',
  instructions: 'You answer questions.',
  model: { providerId: 'bench', modelId: turnOrder.model, url: turnOrder.providerUrl, apiKey: 'bench', api: 'chat' },
  memory: new Memory({
    storage: new PostgresStore({ id: 'bench', connectionString: turnOrder.databaseUrl, max: connections }),
    options: { semanticRecall: false },
  }),
});

serveTurns(async ({ conversation, content }, send) => {
  const output = await agent.stream(content, { memory: { thread: conversation, resource: 'bench' } });
  for await (const text of output.textStream) send(text);
  await output.getFullOutput();
});
