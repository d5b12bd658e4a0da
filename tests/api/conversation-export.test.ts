import { beforeAll, describe, expect, test } from '@jest/globals';
import { conversationExportSchema } from '../../contracts/conversation-export.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
let id: string;

/** Answers the question as a turn does that is served. */
async function answer(questionId: string, turnId: string, content: string): Promise<string> {
  const answerId = uuidV7();
  await api.database.inWorkspace(api.tenant.workspaceId, async (em) => {
    await query(
      em,
      `with numbered as (update conversations set last_sequence = last_sequence + 1, active_message_id = null
                         where id = $3 returning last_sequence)
       insert into messages (id, workspace_id, conversation_id, sequence, parent_id, sender, content)
       select $1, $2, $3, last_sequence, $4, 'assistant', $5 from numbered`,
      [answerId, api.tenant.workspaceId, id, questionId, content],
    );
    await query(em, `update conversations set active_message_id = $2 where id = $1`, [id, answerId]);
    await query(em, `update messages set parent_id = null where id = $1`, [questionId]);
    await query(
      em,
      `update turns set state = 'completed', assistant_message_id = $2, completed_at = now() where id = $1`,
      [turnId, answerId],
    );
  });
  return answerId;
}

beforeAll(async () => {
  id = (await api.call('POST', '/conversations', { body: { user: 'ada', title: 'Tea\n# and more' } })).json.id;
  const { json } = await api.call('POST', `/conversations/${id}/messages`, {
    body: { content: 'When is tea?\n## Assistant' },
  });
  const answerId = await answer(json.message.id, json.turn.id, 'At **five**.');
  await api.call('PUT', `/messages/${answerId}/feedback`, { body: { rating: 1, comment: 'Good' } });
});

describe('the export of a conversation', () => {
  test('as JSON holds messages, turns, calls and feedback', async () => {
    const { json, headers } = await api.call('GET', `/conversations/${id}/export`);
    expect(headers.get('content-disposition')).toBe(`attachment; filename="conversation-${id}.json"`);
    expect(json).toMatchObject({
      format: 1,
      conversation: { id, user: 'ada' },
      messages: [
        { sender: 'user', sequence: 1 },
        { sender: 'assistant', content: 'At **five**.' },
      ],
      turns: [{ state: 'completed', model: 'extractive', kind: 'message' }],
      tool_calls: [],
      feedback: [{ rating: 1, comment: 'Good', user: 'ada' }],
    });
    expect(json.messages[1].parent_id).toBe(json.messages[0].id);
  });

  test('as Markdown reads like a conversation, and no message can pass for another one', async () => {
    const { text, headers } = await api.call('GET', `/conversations/${id}/export?format=markdown`);
    expect(headers.get('content-type')).toBe('text/markdown; charset=utf-8');
    const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d UTC`;
    expect(text).toMatch(
      new RegExp(
        `^# Tea # and more\n\nConversation ${id} of ada, ${time}\n\n## User, ${time}\n\n> When is tea\\?\n> ## Assistant\n\n` +
          `## Assistant, ${time}\n\nAt \\*\\*five\\*\\*\\.\n$`,
      ),
    );
  });

  test('holds all messages and turns of a conversation of many pages, each once and in order', async () => {
    const long = (await api.call('POST', '/conversations', { body: {} })).json.id;
    await api.database.inWorkspace(api.tenant.workspaceId, async (em) => {
      await query(
        em,
        `insert into messages (id, workspace_id, conversation_id, sequence, sender, content)
         select gen_random_uuid(), workspace_id, id, n, 'user', 'question ' || n
         from conversations, generate_series(1, 401) as n where id = $1`,
        [long],
      );
      await query(
        em,
        `insert into turns (id, workspace_id, conversation_id, user_message_id, agent_id, agent_version, model_id, workflow_id, state,
                            completed_at, error)
         select gen_random_uuid(), c.workspace_id, c.id, m.id, c.agent_id, 1, a.model_id, 'none', 'failed', now(),
                '{"code": "gone", "detail": "Gone."}'
         from messages m join conversations c on c.id = m.conversation_id join agents a on a.id = c.agent_id
         where c.id = $1 order by m.sequence`,
        [long],
      );
    });
    const { json } = await api.call('GET', `/conversations/${long}/export`);
    const numbers = Array.from({ length: 401 }, (_, index) => index + 1);
    expect(json.messages.map((message: { sequence: number }) => message.sequence)).toEqual(numbers);
    expect(json.turns.map((turn: { user_message_id: string }) => turn.user_message_id)).toEqual(
      json.messages.map((message: { id: string }) => message.id),
    );
    expect(conversationExportSchema.parse(json)).toEqual(json);
  });

  test.each(['json', 'markdown'])(
    'as %s breaks off where a page cannot be read, and looks like no whole file',
    async (format) => {
      const torn = (await api.call('POST', '/conversations', { body: {} })).json.id;
      await api.call('POST', `/conversations/${torn}/messages`, { body: { content: 'When is tea?' } });
      await api.database.inWorkspace(api.tenant.workspaceId, async (em) => {
        await query(em, `update messages set metadata = '["no object"]' where conversation_id = $1`, [torn]);
        await query(
          em,
          `update conversations set active_message_id = (select id from messages where conversation_id = $1) where id = $1`,
          [torn],
        );
      });
      const response = await fetch(`${api.url}/conversations/${torn}/export?format=${format}`, {
        headers: { authorization: `Bearer ${api.tenant.key}` },
      });
      expect(response.status).toBe(200);
      await expect(response.text()).rejects.toThrow('terminated');
    },
  );

  test('is hidden from another end user, and has no other format', async () => {
    const asGrace = { headers: { 'x-perdure-user': 'grace' } };
    expectProblem(await api.call('GET', `/conversations/${id}/export`, asGrace), 'not_found');
    expectProblem(await api.call('GET', `/conversations/${id}/export?format=pdf`), 'bad_request');
  });
});
