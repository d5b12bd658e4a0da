import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { checkTurns } from '../../../activities/invariants/check-turns.ts';
import { acceptMessage } from '../../../entities/conversations/conversation-repository.ts';
import { deleteLeftOvers } from '../../../entities/maintenance/left-over-repository.ts';
import { countExpired, dropExpired } from '../../../entities/maintenance/retention-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createConversation, createWorkspace, type TestWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
const dayMs = 86_400_000;
const ago = (days: number) => new Date(Date.now() - days * dayMs);
let database: Database;
let workspace: TestWorkspace;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 6 }, 'retention-test');
  workspace = await createWorkspace(database);
});
afterAll(() => database.close());

const run = (statement: string, parameters: unknown[] = []) =>
  database.asOperator((em) => query(em, statement, parameters));

/** A turn that ended so many days ago with these events. */
async function endedTurn(
  days: number,
  events: readonly (readonly [string, Record<string, unknown>])[],
  answer: string,
) {
  const { workspaceId } = workspace;
  const [conversationId, turnId, answerId] = [await createConversation(database, workspace), v7(), v7()];
  const messageId = v7();
  await database.inWorkspace(workspaceId, (em) =>
    acceptMessage(em, {
      workspaceId,
      conversationId,
      messageId,
      turnId,
      workflowId: 'w',
      clientMessageId: null,
      content: 'Question',
    }),
  );
  await run(
    `insert into messages (id, workspace_id, conversation_id, parent_id, sequence, sender, content)
     values ($1, $2, $3, $4, 2, 'assistant', $5)`,
    [answerId, workspaceId, conversationId, messageId, answer],
  );
  await run(
    `update turns set state = 'completed', assistant_message_id = $2, completed_at = $3, attempt = 2 where id = $1`,
    [turnId, answerId, ago(days)],
  );
  for (const [index, [kind, data]] of events.entries())
    await run(
      `insert into turn_events (workspace_id, turn_id, attempt, seq, kind, data) values ($1, $2, 1, $3, $4, $5)`,
      [workspaceId, turnId, index + 1, kind, JSON.stringify(data)],
    );
  return { turnId, conversationId };
}

const text = (value: string, step = 0) => ['text_delta', { text: value, step }] as const;
const told = [
  ['turn_started', { attempt: 1 }],
  text('lost '),
  text('text'),
  ['reset', { attempt: 2, step: 0 }],
  text('I '),
  text('look: '),
  ['tool_call_started', { call_id: v7() }],
  ['reasoning_delta', { text: 'hm', step: 1 }],
  text('it ', 1),
  text('is ', 1),
  text('blue.', 1),
  ['done', { message_id: v7() }],
] as const;

const eventsOf = (turnId: string) =>
  run(`select seq::int, kind, data ->> 'text' as text from turn_events where turn_id = $1 order by seq`, [turnId]);

test('R26: the text of an old turn becomes one event, and a reader gets the stored answer wherever they go on', async () => {
  const old = await endedTurn(31, told, 'I look: it is blue.');
  const young = await endedTurn(29, told, 'I look: it is blue.');
  const whole = await eventsOf(young.turnId);
  expect(await database.asOperator((em) => countExpired(em, 'turn_events', ago(30)))).toBe(1);
  expect(await eventsOf(old.turnId)).toEqual(whole);

  expect(await database.asOperator((em) => dropExpired(em, 'turn_events', ago(30), 100))).toBe(1);
  const left = await eventsOf(old.turnId);
  expect(left).toEqual([
    { seq: 1, kind: 'turn_started', text: null },
    { seq: 7, kind: 'tool_call_started', text: null },
    { seq: 10, kind: 'reset', text: null },
    { seq: 11, kind: 'text_delta', text: 'I look: it is blue.' },
    { seq: 12, kind: 'done', text: null },
  ]);
  // Whoever had seen any part of it, and drops what they show at a reset, ends with the answer.
  for (let seen = 0; seen < told.length - 2; seen += 1) {
    let shown = '';
    for (const { kind, text: delta } of whole.slice(0, seen))
      shown = kind === 'reset' ? '' : shown + (kind === 'text_delta' ? String(delta) : '');
    for (const { seq, kind, text: delta } of left)
      if (Number(seq) > seen) shown = kind === 'reset' ? '' : shown + (kind === 'text_delta' ? String(delta) : '');
    expect(shown).toBe('I look: it is blue.');
  }
  expect(await eventsOf(young.turnId)).toEqual(whole);
  expect(await database.asOperator((em) => checkTurns({ em, temporal: null, graceSeconds: 0 }))).toEqual([]);
  expect(await database.asOperator((em) => countExpired(em, 'turn_events', ago(30)))).toBe(0);
});

test('deleted conversations go with what is in them once their calls are summed up, others stay', async () => {
  const old = await endedTurn(40, told, 'x');
  const kept = await endedTurn(40, told, 'x');
  await run(`update conversations set deleted_at = $2 where id = $1`, [old.conversationId, ago(31)]);
  await run(`update conversations set deleted_at = $2 where id = $1`, [kept.conversationId, ago(29)]);
  const drop = () => database.asOperator((em) => dropExpired(em, 'deleted_conversations', ago(30), 100));
  expect(await drop()).toBe(0);
  await run(`insert into usage_progress (workspace_id, counted_to) values ($1, now())`, [workspace.workspaceId]);
  expect(await drop()).toBe(1);
  expect(
    await run('select id from conversations where id = any($1::uuid[])', [[old.conversationId, kept.conversationId]]),
  ).toEqual([{ id: kept.conversationId }]);
  expect(await eventsOf(old.turnId)).toEqual([]);
});

test('deleted documents go, but for those whose place in a source is remembered', async () => {
  const { workspaceId } = workspace;
  const [gone, remembered, served] = [v7(), v7(), v7()];
  const source = v7();
  await run(`insert into knowledge_sources (id, workspace_id, name, type) values ($1, $2, 's', 'file')`, [
    source,
    workspaceId,
  ]);
  for (const id of [gone, remembered, served])
    await run(
      `insert into documents (id, workspace_id, title, document_type, status, deleted_at)
       values ($1, $2, 't', 'text', 'failed', case when $3 then null else now() - interval '31 days' end)`,
      [id, workspaceId, id === served],
    );
  const sync = v7();
  await run(
    `insert into source_syncs (id, workspace_id, knowledge_source_id, kind, trigger, state)
     values ($1, $2, $3, 'full', 'request', 'completed')`,
    [sync, workspaceId, source],
  );
  await run(
    `insert into source_items (workspace_id, knowledge_source_id, path, document_id, sync_id, state)
     values ($1, $2, 'a', $3, $4, 'accepted')`,
    [workspaceId, source, remembered, sync],
  );
  expect(await database.asOperator((em) => countExpired(em, 'deleted_documents', ago(30)))).toBe(1);
  expect(await database.asOperator((em) => dropExpired(em, 'deleted_documents', ago(30), 100))).toBe(1);
  const left = await run('select id from documents where id = any($1::uuid[]) order by id', [
    [gone, remembered, served],
  ]);
  expect(left).toEqual([{ id: remembered }, { id: served }]);
});

test('an evaluation goes after the conversations that were held for it, which nobody ever sees', async () => {
  const { workspaceId } = workspace;
  const evaluation = v7();
  await run(
    `insert into evaluations (id, workspace_id, name, type, status, completed_at, deleted_at)
     values ($1, $2, 'e', 'agent', 'completed', now() - interval '40 days', now() - interval '31 days')`,
    [evaluation, workspaceId],
  );
  const held = await createConversation(database, workspace);
  await run('update conversations set evaluation_id = $2 where id = $1', [held, evaluation]);
  const drop = () => database.asOperator((em) => dropExpired(em, 'deleted_evaluations', ago(30), 1));
  expect(await drop()).toBe(0);
  expect(await database.asOperator((em) => deleteLeftOvers(em, 100))).toMatchObject({ heldConversations: 1 });
  expect(await run('select 1 from conversations where id = $1', [held])).toEqual([]);
  expect(await drop()).toBe(1);
  expect(await run('select 1 from evaluations where id = $1', [evaluation])).toEqual([]);
});

test.each([
  [
    'audit_log',
    `insert into audit_log (id, workspace_id, actor, action, entity_type, created_at) values ($1, $2, 'a', 'b', 'c', $3)`,
  ],
  [
    'maintenance_reports',
    `insert into maintenance_reports (id, workspace_id, task, workflow_id, run_id, state, started_at, finished_at)
     values ($1, $2, 't', $1::uuid::text, 'r', 'done', $3, now())`,
  ],
] as const)('of %s, what is older than it is kept goes', async (kind, statement) => {
  for (const days of [1, 50, 51]) await run(statement, [v7(), workspace.workspaceId, ago(days)]);
  expect(await database.asOperator((em) => dropExpired(em, kind, ago(30), 1))).toBe(1);
  expect(await database.asOperator((em) => dropExpired(em, kind, ago(30), 100))).toBe(1);
  expect(await database.asOperator((em) => dropExpired(em, kind, ago(30), 100))).toBe(0);
});

test('messages to webhooks are dropped once they have ended, and those on their way stay', async () => {
  const { workspaceId } = workspace;
  const webhookId = v7();
  await run(
    `insert into webhooks (id, workspace_id, url, events, secret) values ($1, $2, 'https://example.com', '{job.failed}', 's')`,
    [webhookId, workspaceId],
  );
  for (const [key, state, days] of [
    ['old', 'delivered', 91],
    ['dead', 'dead', 91],
    ['waiting', 'pending', 91],
    ['young', 'delivered', 89],
  ])
    await run(
      `insert into webhook_deliveries (id, workspace_id, webhook_id, event, event_key, payload, state, delivered_at, created_at)
       values ($1, $2, $3, 'job.failed', $4, '{}', $5, case when $5 = 'delivered' then now() end, $6)`,
      [v7(), workspaceId, webhookId, key, state, ago(Number(days))],
    );
  expect(await database.asOperator((em) => countExpired(em, 'webhook_deliveries', ago(90)))).toBe(2);
  expect(await database.asOperator((em) => dropExpired(em, 'webhook_deliveries', ago(90), 10))).toBe(2);
  const kept = await run(`select event_key from webhook_deliveries order by event_key`);
  expect(kept.map((row) => row['event_key'])).toEqual(['waiting', 'young']);
});

test('lessons about memories are dropped once they have ended, but for one that keeps its conversation from another try', async () => {
  const { workspaceId, userId } = workspace;
  const lesson = async (state: string, days: number, { learned = 2, starts = 1 } = {}) => {
    const conversationId = await createConversation(database, workspace);
    await run(`update conversations set last_sequence = 2, learned_sequence = $2 where id = $1`, [
      conversationId,
      learned,
    ]);
    await run(
      `insert into memory_lessons (workspace_id, conversation_id, up_to_sequence, user_id, state, starts, error, updated_at)
       values ($1, $2, 2, $3, $4, $5, case when $4 = 'failed' then '{}'::jsonb end, $6)`,
      [workspaceId, conversationId, userId, state, starts, ago(days)],
    );
    return conversationId;
  };
  await lesson('completed', 91);
  await lesson('skipped', 91);
  const kept = [
    await lesson('completed', 89),
    await lesson('running', 91),
    await lesson('failed', 91, { learned: 0, starts: 3 }),
  ];
  expect(await database.asOperator((em) => countExpired(em, 'memory_lessons', ago(90)))).toBe(2);
  expect(await database.asOperator((em) => dropExpired(em, 'memory_lessons', ago(90), 10))).toBe(2);
  const left = await run(`select conversation_id as id from memory_lessons`);
  expect(new Set(left.map((row) => row['id']))).toEqual(new Set(kept));
});
