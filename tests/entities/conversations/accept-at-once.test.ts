import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { acceptAtOnce } from '../../../entities/conversations/accept-at-once.ts';
import { acceptMessage, lockForQuestion } from '../../../entities/conversations/conversation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createConversation, createWorkspace, type TestWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
let workspace: TestWorkspace;
let conversationId: string;
beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
  workspace = await createWorkspace(database);
});
afterAll(() => database?.close());
beforeEach(async () => {
  conversationId = await createConversation(database, workspace);
});

const inWorkspace: Database['autocommit'] = (work) => database.inWorkspace(workspace.workspaceId, work, 'kept');
const question = (clientMessageId: string | null = null, onBusy?: 'queue' | 'replace' | 'refuse') => ({
  ...{ workspaceId: workspace.workspaceId, conversationId, messageId: v7(), turnId: v7(), workflowId: 'w' },
  ...{ clientMessageId, content: 'When  is the\noffice open?', onBusy },
});
const stored = (table: 'messages' | 'turns') =>
  inWorkspace((em) => query(em, `select * from ${table} where conversation_id = $1 order by id`, [conversationId]));
const own = ['id', 'user_message_id', 'sequence', 'number', 'created_at', 'updated_at'];
const shared = (row: Record<string, unknown> | undefined) =>
  Object.fromEntries(Object.entries(row ?? {}).filter(([name]) => !own.includes(name)));

test('what is written in one statement is what is written in two', async () => {
  const first = await inWorkspace((em) => acceptAtOnce(em, question('a')));
  await inWorkspace(async (em) => {
    const locked = await lockForQuestion(em, question());
    const versions = { agent: locked!.agentVersion, templates: {} };
    return acceptMessage(em, { ...question(), versions }, locked!);
  });
  const [messages, turns] = [await stored('messages'), await stored('turns')];
  expect({ ...shared(messages[0]), client_message_id: null }).toEqual(shared(messages[1]));
  expect(shared(turns[0])).toEqual(shared(turns[1]));
  expect(messages.map(({ sequence }) => sequence)).toEqual(['1', '2']);
  expect(first?.accepted).toMatchObject({
    isAlone: true,
    duplicate: false,
    sequence: 1,
    rows: { turn: { id: turns[0]!.id } },
  });
  expect(first?.accepted?.rows?.message).toMatchObject({ id: messages[0]!.id, content: messages[0]!.content });
  const [conversation] = await inWorkspace((em) =>
    query<{ title: string }>(em, 'select title from conversations where id = $1', [conversationId]),
  );
  expect(conversation?.title).toBe('When is the office open?');
});

test('of twins that come together one is written, and the others find it', async () => {
  const twins = Array.from({ length: 6 }, () => question('the same'));
  const outcomes = await Promise.all(
    twins.map((twin) =>
      inWorkspace(async (em) => {
        const atOnce = await acceptAtOnce(em, twin);
        return atOnce?.accepted ?? acceptMessage(em, twin, atOnce!);
      }),
    ),
  );
  const ids = outcomes.map((outcome) => ('messageId' in outcome ? outcome.messageId : null));
  expect(new Set(ids).size).toBe(1);
  expect(outcomes.filter((outcome) => 'duplicate' in outcome && !outcome.duplicate)).toHaveLength(1);
  expect(await stored('messages')).toHaveLength(1);
});

test('messages that come together stand one behind the other, and none of a later one is alone', async () => {
  await inWorkspace((em) => acceptAtOnce(em, question()));
  const accepted = await Promise.all(
    Array.from({ length: 6 }, () => inWorkspace((em) => acceptAtOnce(em, question()))),
  );
  expect(accepted.map((each) => each?.accepted?.sequence ?? 0).toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7]);
  expect(accepted.some((each) => each?.accepted?.isAlone)).toBe(false);
});

test('where there is anything to decide nothing is written, and the conversation is locked', async () => {
  for (const busy of ['replace', 'refuse'] as const)
    expect(await inWorkspace((em) => acceptAtOnce(em, question(null, busy)))).toMatchObject({
      accepted: null,
      sequence: '1',
    });
  await inWorkspace((em) => query(em, 'update conversations set is_archived = true where id = $1', [conversationId]));
  expect(await inWorkspace((em) => acceptAtOnce(em, question()))).toMatchObject({ accepted: null, is_archived: true });
  expect(await inWorkspace((em) => acceptAtOnce(em, { ...question(), conversationId: v7() }))).toBeNull();
  expect(await stored('messages')).toEqual([]);
  expect(await stored('turns')).toEqual([]);
});
