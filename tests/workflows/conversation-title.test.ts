import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { findConversation, updateConversation } from '../../entities/conversations/conversation-record-repository.ts';
import { query } from '../../entities/sql.ts';
import { readModelCircuits } from '../../entities/usage/model-circuit-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { until } from '../support/until.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { createConversation, createWorkspace } from '../support/workspaces/create-workspace.ts';
import { turnClient } from '../support/workspaces/turn-client.ts';

jest.setTimeout(60_000);
const rows = testDatabase();
const temporal = testTemporal();
let database: Database;
let provider: FakeProvider;
let connection: Connection;
let client: Client;
let worker: ConversationWorker;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  provider = await startFakeProvider();
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  worker = await startConversationWorker(database, temporal);
});
afterEach(() => provider.control({ reset: true }));
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
  await provider?.stop();
  await database?.close();
});

async function open({ template = 'A title for: {{question}} / {{answer}}' }: { template?: string | null } = {}) {
  const workspace = await createWorkspace(database, { endpoint: provider.url });
  const { workspaceId } = workspace;
  const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
    database.inWorkspace(workspaceId, work);
  if (template !== null)
    await inWorkspace((em) =>
      query(
        em,
        `insert into prompt_templates (id, workspace_id, name, type, template, is_default)
         values ($1, $2, 'titles', 'title', $3, true)`,
        [uuidV7(), workspaceId, template],
      ),
    );
  const id = await createConversation(database, workspace);
  return {
    ...turnClient(database, client, workspace, id),
    conversation: async () => (await inWorkspace((em) => findConversation(em, id)))!,
    circuit: async () => (await inWorkspace((em) => readModelCircuits(em, [workspace.modelId]))).get(workspace.modelId),
    rename: (title: string) => inWorkspace((em) => updateConversation(em, id, { title })),
  };
}

const titled = (chat: Awaited<ReturnType<typeof open>>, title: string) =>
  until(async () => (await chat.conversation()).title === title, { what: `the title ${title}`, timeoutMs: 15_000 });

describe('the title of a conversation', () => {
  test('is made by the model from the first question and its answer, once, in a paid call of its own', async () => {
    const chat = await open();
    provider.control({ script: [{ answer: 'At five.' }, { answer: '"Time for tea."' }, { answer: 'Green.' }] });
    const turnId = await chat.send('When is tea?');
    await chat.ended(turnId);
    await titled(chat, 'Time for tea');
    await until(async () => (await chat.usage(turnId)).every(({ state }) => state === 'settled'), {
      what: 'the figures',
    });
    const usage = await chat.usage(turnId);
    expect(usage).toHaveLength(2);
    const [, call] = provider.log();
    expect(usage.map(({ id }) => id)).toContain(call!.idempotencyKey);
    expect(usage.find(({ id }) => id === call!.idempotencyKey)?.total_tokens).toBe(
      call!.promptTokens + call!.completionTokens,
    );
    await chat.ended(await chat.send('Which one?'));
    expect((await chat.conversation()).title).toBe('Time for tea');
    expect(provider.log()).toHaveLength(3);
  });

  test('never replaces what a person has written meanwhile', async () => {
    const chat = await open();
    provider.control({ script: [{ answer: 'At five.' }, { answer: 'Model title', firstTokenMs: 1500 }] });
    const turnId = await chat.send('When is tea?');
    await until(async () => provider.log().length === 2, { what: 'the call for a title' });
    await chat.rename('My own');
    await until(async () => (await chat.usage(turnId)).every(({ state }) => state === 'settled'), {
      what: 'the figures',
    });
    expect((await chat.conversation()).title).toBe('My own');
  });

  test('stays the question where the model fails or there is no template for titles', async () => {
    const plain = await open({ template: null });
    await plain.ended(await plain.send('What is tea?'));
    expect(provider.log()).toHaveLength(1);
    const failing = await open();
    provider.control({ script: [{ answer: 'At five.' }, { failure: { kind: 'status', status: 400 } }] });
    const turnId = await failing.send('When is tea?');
    await until(async () => (await failing.usage(turnId)).some(({ state }) => state === 'unknown'), {
      what: 'the failed call',
    });
    expect((await failing.conversation()).title).toBe('When is tea?');
    expect((await failing.turn(turnId)).state).toBe('completed');
  });

  test('counts against its model when its provider fails', async () => {
    const chat = await open();
    provider.control({ script: [{ answer: 'At five.' }, { failure: { kind: 'status', status: 500 } }] });
    await chat.ended(await chat.send('When is tea?'));
    const failures = async () => (await chat.circuit())?.failures ?? 0;
    await until(async () => (await failures()) > 0, { what: 'the failure of the title' });
    expect(await failures()).toBe(1);
  });
});
