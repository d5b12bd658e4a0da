import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Conversation, Message, Turn, User, UserMemory } from '../../entities/index.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace, type TestWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
let database: Database;

beforeAll(() => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 8 }, 'deletion-test');
});

afterAll(() => database.close());

async function makeConversation({ workspaceId, userId, agentId, modelId }: TestWorkspace): Promise<string> {
  const [conversationId, messageId, answerId, turnId] = [uuidV7(), uuidV7(), uuidV7(), uuidV7()];
  await database.inWorkspace(workspaceId, async (em) => {
    em.create(Conversation, { id: conversationId, workspaceId, agentId, userId });
    em.create(UserMemory, { userId, workspaceId, memory: 'likes tea' });
    await em.flush();
    em.create(Message, { id: messageId, workspaceId, conversationId, sequence: 1, sender: 'user', content: 'hello' });
    await em.flush();
    em.create(Message, {
      id: answerId,
      workspaceId,
      conversationId,
      sequence: 2,
      parentId: messageId,
      sender: 'assistant',
      content: 'hi',
    });
    await em.flush();
    em.create(Turn, {
      id: turnId,
      workspaceId,
      conversationId,
      number: 1,
      userMessageId: messageId,
      assistantMessageId: answerId,
      agentId,
      agentVersion: 1,
      modelId,
      state: 'completed',
      workflowId: 'w',
    });
    await em.flush();
    await query(
      em,
      `insert into citations (workspace_id, message_id, position, marker, document_id, generation, title, start_char,
         end_char, quote, content_hash) values ($1, $2, 0, 1, $3, 1, 't', 0, 1, 'q', '')`,
      [workspaceId, answerId, uuidV7()],
    );
    await query(
      em,
      `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data) values ($1, $2, 1, 1, 'done', '{}')`,
      [workspaceId, turnId],
    );
  });
  return conversationId;
}

test('a user who is deleted leaves no conversation, message, turn, event, citation or memory', async () => {
  const workspace = await makeWorkspace(database);
  await makeConversation(workspace);
  await database.inWorkspace(workspace.workspaceId, async (em) => {
    await em.nativeDelete(User, { id: workspace.userId });
  });
  for (const table of ['conversations', 'messages', 'turns', 'turn_events', 'citations', 'user_memories']) {
    const rows = await database.asOperator((em) =>
      query(em, `select 1 from ${table} where workspace_id = $1`, [workspace.workspaceId]),
    );
    expect({ table, rows }).toEqual({ table, rows: [] });
  }
});

test('an agent or a model that is in use cannot be deleted', async () => {
  const workspace = await makeWorkspace(database);
  await makeConversation(workspace);
  for (const [table, id] of [
    ['agents', workspace.agentId],
    ['models', workspace.modelId],
  ]) {
    const deleting = database.inWorkspace(workspace.workspaceId, (em) =>
      query(em, `delete from ${table} where id = $1`, [id]),
    );
    await expect(deleting).rejects.toMatchObject({ code: '23503' });
  }
});

test('a workspace that is deleted leaves no row anywhere', async () => {
  const workspace = await makeWorkspace(database);
  await makeConversation(workspace);
  await database.asOperator(async (em) => {
    await query(em, 'set constraints all deferred');
    await query(em, 'delete from workspaces where id = $1', [workspace.workspaceId]);
  });
  const tables = await database.asOperator((em) =>
    query<{ name: string }>(
      em,
      `select table_name as name from information_schema.columns
       where table_schema = 'public' and column_name = 'workspace_id'`,
    ),
  );
  expect(tables.length).toBeGreaterThan(25);
  for (const { name } of tables) {
    const rows = await database.asOperator((em) =>
      query(em, `select 1 from ${name} where workspace_id = $1`, [workspace.workspaceId]),
    );
    expect({ name, rows }).toEqual({ name, rows: [] });
  }
});
