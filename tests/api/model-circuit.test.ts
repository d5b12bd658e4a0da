import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { testApi } from '../support/api/test-api.ts';

const told: string[] = [];
const api = testApi(({ starter }) => ({
  starter: {
    ...starter,
    endRest: async ({ turnId }) => {
      told.push(turnId);
    },
  },
}));

async function rested(name: string): Promise<{ id: string }> {
  const body = { name, kind: 'chat', provider: 'openai', model_id: 'm', endpoint: 'http://127.0.0.1:9/v1' };
  const { json } = await api.call('POST', '/models', { body });
  await api.database.asOperator((em) =>
    query(
      em,
      `insert into model_circuits (workspace_id, model_id, failures, openings, open_until, last_code)
       select workspace_id, id, 7, 2, now() + interval '1 minute', 'provider_timeout' from models where id = $1`,
      [json.id],
    ),
  );
  return json;
}

const circuitOf = async (id: string) => (await api.call('GET', `/models/${id}`)).json.circuit;

describe('a model', () => {
  test('shows that it rests, for how long and why; with other settings it is called again at once', async () => {
    const { id } = await rested('tired');
    expect(await circuitOf(id)).toEqual({
      state: 'open',
      failures: 7,
      open_until: expect.any(String),
      last_code: 'provider_timeout',
    });
    await api.call('PATCH', `/models/${id}`, { body: { api_key: 'another' } });
    expect(await circuitOf(id)).toMatchObject({ state: 'closed', failures: 0, open_until: null });
  });

  test.each([
    ['that is changed', 'PATCH', '', { capabilities: {} }],
    ['that is said to be well', 'POST', '/resume', undefined],
  ])('%s rests no longer, nor does it pause, and turns that wait for it are told', async (what, method, rest, body) => {
    const { id } = await rested(what);
    const agent = { name: `agent of a model ${what}`, model: what, tools: [] };
    const { json: made } = await api.call('POST', '/agents', { body: agent });
    const { json: conversation } = await api.call('POST', '/conversations', { body: { agent: made.name } });
    const { json: sent } = await api.call('POST', `/conversations/${conversation.id}/messages`, {
      body: { content: 'Is anybody there?' },
    });
    const turnId: string = sent.turn.id;
    await api.database.asOperator(async (em) => {
      await query(em, `update turns set state = 'running', started_at = now() where id = $1`, [turnId]);
      await query(
        em,
        `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data)
         select workspace_id, id, 1, 1, 'retrying', '{"step": 0, "in_ms": 60000}' from turns where id = $1`,
        [turnId],
      );
      await query(
        em,
        `insert into rate_limits (workspace_id, model_id, blocked_until)
         select workspace_id, id, now() + interval '5 minutes' from models where id = $1`,
        [id],
      );
    });
    const { status, json } = await api.call(method, `/models/${id}${rest}`, { body });
    expect({ status, circuit: json.circuit.state }).toEqual({ status: 200, circuit: 'closed' });
    expect(told).toContain(turnId);
    const [pause] = await api.database.asOperator((em) =>
      query(em, `select blocked_until from rate_limits where model_id = $1`, [id]),
    );
    expect(pause).toEqual({ blocked_until: null });
  });

  test('to which an agent falls back cannot be deleted', async () => {
    const { id } = await rested('spare');
    await api.call('POST', '/agents', { body: { name: 'careful', model: 'extractive', fallback_models: ['spare'] } });
    const refused = await api.call('DELETE', `/models/${id}`);
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toContain('"careful"');
  });
});
