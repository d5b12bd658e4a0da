import { beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createTenant } from '../support/api/create-tenant.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
let answerId: string;
let questionId: string;
let conversationId: string;

beforeAll(async () => {
  conversationId = (await api.call('POST', '/conversations', { body: { user: 'ada' } })).json.id;
  const sent = await api.call('POST', `/conversations/${conversationId}/messages`, { body: { content: 'Why?' } });
  questionId = sent.json.message.id;
  answerId = uuidV7();
  await api.database.inWorkspace(api.tenant.workspaceId, (em) =>
    query(
      em,
      `insert into messages (id, workspace_id, conversation_id, sequence, parent_id, sender, content)
       values ($1, $2, $3, 1000, $4, 'assistant', 'Because.')`,
      [answerId, api.tenant.workspaceId, conversationId, questionId],
    ),
  );
});

const put = (body: Record<string, unknown>, headers = {}) =>
  api.call('PUT', `/messages/${answerId}/feedback`, { body, headers });
const asGrace = { 'x-perdure-user': 'grace' };

describe('feedback on an answer', () => {
  test('is one for each user, and a second one replaces the first', async () => {
    expect((await put({ rating: 1 })).json).toMatchObject({
      user: 'ada',
      rating: 1,
      comment: '',
      message_id: answerId,
    });
    await put({ rating: -1, comment: 'Too short' }, { 'x-perdure-user': 'ada' });
    await put({ rating: 1, user: 'eve' });
    const { data } = (await api.call('GET', `/feedback?conversation=${conversationId}`)).json;
    expect(
      data.map((one: { user: string; rating: number; comment: string }) => [one.user, one.rating, one.comment]),
    ).toEqual([
      ['eve', 1, ''],
      ['ada', -1, 'Too short'],
    ]);
  });

  test('is listed by agent, rating and giver, page by page', async () => {
    await put({ rating: -1 });
    await put({ rating: 1, user: 'eve' });
    const users = async (search: string) =>
      (await api.call('GET', `/feedback${search}`)).json.data.map((one: { user: string }) => one.user);
    expect(await users('?agent=assistant&rating=-1')).toEqual(['ada']);
    expect(await users('?user=eve')).toEqual(['eve']);
    expect(await users('?agent=nobody')).toEqual([]);
    const first = (await api.call('GET', '/feedback?limit=1')).json;
    const second = (await api.call('GET', `/feedback?limit=1&cursor=${first.next_cursor}`)).json;
    expect([first.data[0].user, second.data[0].user, second.next_cursor]).toEqual(['eve', 'ada', null]);
  });

  test('can be taken back once', async () => {
    await put({ rating: 1 });
    expect((await api.call('DELETE', `/messages/${answerId}/feedback`)).status).toBe(204);
    expectProblem(await api.call('DELETE', `/messages/${answerId}/feedback`), 'not_found');
  });

  test('is refused with another rating, for a question, and from a user who may not see it', async () => {
    expectProblem(await put({ rating: 5 }), 'bad_request');
    expectProblem(await api.call('PUT', `/messages/${questionId}/feedback`, { body: { rating: 1 } }), 'bad_request');
    expectProblem(await put({ rating: 1 }, asGrace), 'not_found');
    const { key } = await createTenant(api.database);
    const foreign = await api.call('PUT', `/messages/${answerId}/feedback`, { body: { rating: 1 }, key });
    expectProblem(foreign, 'not_found');
    expect((await api.call('GET', '/feedback', { headers: asGrace })).json.data).toEqual([]);
  });
});
