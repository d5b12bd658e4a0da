import { beforeEach, expect, test } from '@jest/globals';
import { turnsChannel } from '../../contracts/names/limits.ts';
import { messageAcceptedSchema } from '../../contracts/turn.ts';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents, type Events } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

const api = testApi();
let messages: string;
beforeEach(async () => {
  const { json } = await api.call('POST', '/conversations', { body: {} });
  messages = `/conversations/${json.id}/messages`;
});

const say = (body: unknown) => openEvents(api, messages, {}, body);
const accepted = async (events: Events) => {
  await until(async () => events.seen.length > 0, { what: 'the first event' });
  return messageAcceptedSchema.parse(events.seen[0]!.data);
};

/** Commits events of a turn as a worker does. */
async function append(turnId: string, kinds: Array<'turn_started' | 'text_delta' | 'done'>): Promise<void> {
  await api.database.asOperator(async (em) => {
    for (const [index, kind] of kinds.entries())
      await query(
        em,
        `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data) values ($1, $2, $3, 1, $4, '{}')`,
        [api.tenant.workspaceId, turnId, index + 1, kind],
      );
  });
  api.deps.notifier.notify(turnsChannel, [turnId]);
}

test('a message that asks for events is answered with what was committed, and the events of its turn', async () => {
  const events = await say({ content: 'When is the office open?' });
  expect(events.status).toBe(200);
  expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
  const { message, turn } = await accepted(events);
  expect(message).toMatchObject({ content: 'When is the office open?', turn_id: turn.id });
  expect((await api.call('GET', `/turns/${turn.id}`)).json).toMatchObject({ id: turn.id, user_message_id: message.id });
  await append(turn.id, ['turn_started', 'text_delta', 'done']);
  expect((await events.ended).map(({ id, event }) => [id, event])).toEqual([
    [null, 'accepted'],
    ['1', 'turn_started'],
    ['2', 'text_delta'],
    ['3', 'done'],
  ]);
});

test('one that is sent again is the same message, and its events are given from the first one on', async () => {
  const first = await say({ content: 'Once', client_message_id: 'm-1' });
  const { turn } = await accepted(first);
  first.close();
  await append(turn.id, ['turn_started', 'text_delta', 'done']);
  await api.database.asOperator((em) =>
    query(em, `update turns set state = 'cancelled', completed_at = now() where id = $1`, [turn.id]),
  );
  const again = await say({ content: 'Once', client_message_id: 'm-1' });
  expect((await again.ended).map(({ event }) => event)).toEqual(['accepted', 'turn_started', 'text_delta', 'done']);
  expect((await accepted(again)).turn.id).toBe(turn.id);
});

test('one that is refused is answered with its problem, and commits nothing', async () => {
  expectProblem(
    await api.call('POST', messages, { body: { content: ' ' }, headers: { accept: 'text/event-stream' } }),
    'bad_request',
  );
  const unknown = '/conversations/0198f2d4-0000-7000-8000-000000000000/messages';
  expectProblem(
    await api.call('POST', unknown, { body: { content: 'Hi' }, headers: { accept: 'text/event-stream' } }),
    'not_found',
  );
  expect((await api.call('GET', messages)).json.data).toEqual([]);
});
