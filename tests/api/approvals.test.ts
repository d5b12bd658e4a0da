import { beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();

type Planted = { user: string; state: string; at: string };
const conversations: Record<string, string> = {};

/** Writes a call with its approval, as a turn that asked for them leaves it. */
async function plant({ user, state, at }: Planted): Promise<string> {
  const opened = await api.call('POST', '/conversations', { body: { user } });
  const conversationId: string = (conversations[user] ??= opened.json.id);
  const sent = await api.call('POST', `/conversations/${conversationId}/messages`, { body: { content: 'Pay' } });
  const [callId, approvalId] = [uuidV7(), uuidV7()];
  await api.database.inWorkspace(api.tenant.workspaceId, async (em) => {
    await query(
      em,
      `insert into tool_calls (id, workspace_id, conversation_id, turn_id, step, position, provider_call_id, tool_name,
         effect, idempotent, timeout_ms, max_result_bytes, arguments, arguments_hash, state, finished_at)
       values ($1, $2, $3, $4, 0, 0, 'call_1', 'pay', 'write', false, 1000, 1000, '{"note": "x"}', $5, $6,
               case when $6 = 'denied' then now() end)`,
      [
        callId,
        api.tenant.workspaceId,
        conversationId,
        sent.json.turn.id,
        'a'.repeat(64),
        state === 'waiting' ? 'proposed' : state,
      ],
    );
    await query(
      em,
      `insert into approvals (id, workspace_id, tool_call_id, state, arguments_hash, requested_at, expires_at,
                              decided_by, decided_at)
       values ($1, $2, $3, $4, $5, $6::timestamptz, $6::timestamptz + interval '30 days',
               case when $4 <> 'waiting' then 'eve' end, case when $4 <> 'waiting' then now() end)`,
      [approvalId, api.tenant.workspaceId, callId, state, 'a'.repeat(64), at],
    );
  });
  return approvalId;
}

const ids: string[] = [];
beforeAll(async () => {
  const planted: Planted[] = [
    { user: 'ada', state: 'waiting', at: '2026-01-01T00:00:00Z' },
    { user: 'grace', state: 'waiting', at: '2026-01-03T00:00:00Z' },
    { user: 'ada', state: 'denied', at: '2026-01-04T00:00:00Z' },
    { user: 'ada', state: 'denied', at: '2026-01-02T00:00:00Z' },
  ];
  for (const one of planted) ids.push(await plant(one));
});

const listed = async (search: string, headers = {}) =>
  (await api.call('GET', `/approvals${search}`, { headers })).json.data.map((item: { id: string }) =>
    ids.indexOf(item.id),
  );

describe('approvals', () => {
  test('come with their call, those that wait first, then the newest first, page by page', async () => {
    expect(await listed('')).toEqual([1, 0, 2, 3]);
    const pages: number[][] = [];
    let cursor = '';
    do {
      const { json } = await api.call('GET', `/approvals?limit=1${cursor && `&cursor=${cursor}`}`);
      pages.push(json.data.map((item: { id: string }) => ids.indexOf(item.id)));
      cursor = json.next_cursor;
    } while (cursor);
    expect(pages).toEqual([[1], [0], [2], [3]]);
    expect((await api.call('GET', '/approvals?limit=1')).json.data[0]).toMatchObject({
      state: 'waiting',
      user: 'grace',
      expires_at: '2026-02-02T00:00:00.000Z',
      tool_call: { state: 'proposed', arguments: { note: 'x' }, tool: { name: 'pay' } },
    });
  });

  test('are found by state, conversation, turn and user', async () => {
    expect(await listed('?state=denied')).toEqual([2, 3]);
    expect(await listed('?user=grace')).toEqual([1]);
    expect(await listed(`?conversation=${conversations['ada']}&state=waiting`)).toEqual([0]);
    expect(await listed('?user=nobody')).toEqual([]);
  });

  test('of others are hidden from an end user', async () => {
    expect(await listed('', { 'x-perdure-user': 'grace' })).toEqual([1]);
    expect(await listed('?user=ada', { 'x-perdure-user': 'grace' })).toEqual([]);
  });
});
