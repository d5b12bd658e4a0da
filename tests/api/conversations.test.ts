import { beforeEach, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { until } from '../support/until.ts';
import { testApi, type Sent } from '../support/api/test-api.ts';

const api = testApi();

let id: string;
beforeEach(async () => {
  id = (await api.call('POST', '/conversations', { body: { user: 'ada' } })).json.id;
});

const say = (body: Record<string, unknown>, sent: Sent = {}) =>
  api.call('POST', `/conversations/${id}/messages`, { body, ...sent });

describe('a conversation', () => {
  test('has its agent, its user and the name of the model, and takes its title from the first message', async () => {
    const { json } = await api.call('GET', `/conversations/${id}`);
    expect(json).toMatchObject({ user: 'ada', model_name: 'extractive', title: '', is_archived: false, metadata: {} });
    await say({ content: 'What is tea?' });
    expect((await api.call('GET', `/conversations/${id}`)).json.title).toBe('What is tea?');
  });

  test('is listed by user, agent and archive', async () => {
    const list = async (search: string) =>
      (await api.call('GET', `/conversations${search}`)).json.data.map((item: { id: string }) => item.id).includes(id);
    expect(await list('?user=ada')).toBe(true);
    expect(await list('?user=grace')).toBe(false);
    expect(await list('?agent=assistant&is_archived=false')).toBe(true);
    expect(await list('?agent=nobody')).toBe(false);
    await api.call('PATCH', `/conversations/${id}`, { body: { is_archived: true } });
    expect(await list('?is_archived=false')).toBe(false);
    expect(await list('?is_archived=true')).toBe(true);
  });

  test('keeps what a change leaves out', async () => {
    await api.call('PATCH', `/conversations/${id}`, { body: { title: 'Tea', metadata: { a: 1 } } });
    const { json } = await api.call('PATCH', `/conversations/${id}`, { body: { is_archived: true } });
    expect(json).toMatchObject({ title: 'Tea', metadata: { a: 1 }, is_archived: true });
  });

  test('that is archived takes no message until it is restored', async () => {
    await api.call('PATCH', `/conversations/${id}`, { body: { is_archived: true } });
    expectProblem(await say({ content: 'Hello?' }), 'conflict');
    await api.call('PATCH', `/conversations/${id}`, { body: { is_archived: false } });
    expect((await say({ content: 'Hello!' })).status).toBe(202);
  });

  test('is hidden from another end user', async () => {
    const asGrace = { headers: { 'x-perdure-user': 'grace' } };
    expectProblem(await api.call('GET', `/conversations/${id}`, asGrace), 'not_found');
    expectProblem(await say({ content: 'Let me in' }, asGrace), 'not_found');
    const { json } = await say({ content: 'It is me' }, { headers: { 'x-perdure-user': 'ada' } });
    expectProblem(await api.call('GET', `/turns/${json.turn.id}`, asGrace), 'not_found');
    expectProblem(await api.call('POST', `/turns/${json.turn.id}/cancel`, asGrace), 'not_found');
  });

  test('that is deleted is gone with its messages and turns, and its unfinished turns are to end', async () => {
    const { turn } = (await say({ content: 'Too late' })).json;
    expect((await api.call('DELETE', `/conversations/${id}`)).status).toBe(204);
    for (const path of [`/conversations/${id}`, `/conversations/${id}/messages`, `/turns/${turn.id}`])
      expectProblem(await api.call('GET', path), 'not_found');
    const rows = await api.database.asOperator((em) =>
      query<{ state: string; asked: boolean }>(
        em,
        'select state, cancel_requested_at is not null as asked from turns where id = $1',
        [turn.id],
      ),
    );
    expect(rows).toEqual([{ state: 'cancelled', asked: true }]);
  });
});

describe('a message', () => {
  test('is committed with its turn, and the conversation’s workflow is started', async () => {
    const { json } = await say({ content: 'What is tea?', client_message_id: 'm-1' });
    expect(json.message).toMatchObject({
      sender: 'user',
      sequence: 1,
      content: 'What is tea?',
      client_message_id: 'm-1',
      turn_id: json.turn.id,
      citations: [],
    });
    expect(json.turn).toMatchObject({ conversation_id: id, user_message_id: json.message.id, state: 'accepted' });
    expect((await api.call('GET', `/turns/${json.turn.id}`)).json).toMatchObject({ id: json.turn.id, answer: null });
    const handle = api.deps.temporal.workflow.getHandle(`conversation/${id}`);
    const workflow = await until(() => handle.describe().catch(() => null), { what: 'the workflow' });
    expect([workflow?.status.name, workflow?.taskQueue]).toEqual(['RUNNING', 'chat']);
  });

  test('that nobody can bring to Temporal is accepted all the same', async () => {
    // No worker runs here, so the update is never answered and the request gives up waiting for it.
    const began = performance.now();
    expect((await say({ content: 'Anybody there?' })).status).toBe(202);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test('with the same client id is the same message; with other words it is a conflict', async () => {
    const first = await say({ content: 'Once', client_message_id: 'm-2' });
    const again = await say({ content: 'Once', client_message_id: 'm-2' });
    expect(again.json.message).toEqual(first.json.message);
    expect(again.json.turn.id).toBe(first.json.turn.id);
    expectProblem(await say({ content: 'Twice', client_message_id: 'm-2' }), 'conflict');
    expect((await api.call('GET', `/conversations/${id}/messages`)).json.data).toHaveLength(1);
  });

  test('of twenty at once has a place of its own', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, index) => say({ content: `number ${index}` })));
    const pages = [];
    let cursor = '';
    do {
      const { json } = await api.call('GET', `/conversations/${id}/messages?limit=8${cursor && `&cursor=${cursor}`}`);
      pages.push(...json.data);
      cursor = json.next_cursor;
    } while (cursor);
    expect(pages.map((message) => message.sequence)).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });
});

test('a cancel is noted once, and harmless when asked again', async () => {
  const { turn } = (await say({ content: 'Never mind' })).json;
  const first = await api.call('POST', `/turns/${turn.id}/cancel`);
  const again = await api.call('POST', `/turns/${turn.id}/cancel`);
  expect([first.status, again.status]).toEqual([202, 202]);
  expect(first.json.cancel_requested_at).not.toBeNull();
  expect(again.json.cancel_requested_at).toBe(first.json.cancel_requested_at);
});
