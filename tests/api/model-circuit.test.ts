import { describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();

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

  test('to which an agent falls back cannot be deleted', async () => {
    const { id } = await rested('spare');
    await api.call('POST', '/agents', { body: { name: 'careful', model: 'extractive', fallback_models: ['spare'] } });
    const refused = await api.call('DELETE', `/models/${id}`);
    expect(refused.status).toBe(409);
    expect(refused.json.detail).toContain('"careful"');
  });
});
