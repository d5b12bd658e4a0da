import { beforeAll, describe, expect, test } from '@jest/globals';
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

  test('is hidden from another end user, and has no other format', async () => {
    const asGrace = { headers: { 'x-perdure-user': 'grace' } };
    expectProblem(await api.call('GET', `/conversations/${id}/export`, asGrace), 'not_found');
    expectProblem(await api.call('GET', `/conversations/${id}/export?format=pdf`), 'bad_request');
  });
});
