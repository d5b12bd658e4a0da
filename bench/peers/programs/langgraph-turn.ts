import { END, MessagesAnnotation, START, StateGraph } from '@langchain/langgraph';
import { PostgresSaver } from '@langchain/langgraph-checkpoint-postgres';
import { ChatOpenAI } from '@langchain/openai';
import type { AIMessageChunk } from '@langchain/core/messages';
import pg from 'pg';
import { connections } from './message-table.ts';
import { serveTurns, turnOrder } from './serve-turns.ts';

/** LangGraph.js: one node that calls the model, with the checkpointer for Postgres; the variant is its durability. */
const checkpointer = new PostgresSaver(new pg.Pool({ connectionString: turnOrder.databaseUrl, max: connections }));
await checkpointer.setup();
const model = new ChatOpenAI({
  model: turnOrder.model,
  apiKey: 'bench',
  maxRetries: 0,
  streaming: true,
  configuration: { baseURL: turnOrder.providerUrl },
});
const graph = new StateGraph(MessagesAnnotation)
  .addNode('answer', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addEdge(START, 'answer')
  .addEdge('answer', END)
  .compile({ checkpointer });

serveTurns(async ({ conversation, content }, send) => {
  const stream = await graph.stream(
    { messages: [{ role: 'user', content }] },
    {
      configurable: { thread_id: conversation },
      streamMode: 'messages',
      durability: turnOrder.variant === 'sync' ? 'sync' : 'async',
    },
  );
  for await (const [message] of stream as AsyncIterable<[AIMessageChunk, unknown]>) {
    if (message.text !== '') send(message.text);
  }
});
