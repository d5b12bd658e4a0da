import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createSweepBudgets } from '../../activities/webhooks/sweep-budgets.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi, type Answer } from '../support/api/test-api.ts';

const api = testApi();
let modelId: string;
let agentId: string;
let conversationId: string;
let turnId: string;

const inWorkspace = <T>(work: Parameters<typeof api.database.inWorkspace<T>>[1]) =>
  api.database.inWorkspace(api.tenant.workspaceId, work);

beforeAll(async () => {
  conversationId = (await api.call('POST', '/conversations', { body: { user: 'ada' } })).json.id;
  const sent = await ask();
  turnId = sent.json.turn.id;
  agentId = sent.json.turn.agent_id;
  modelId = (await inWorkspace((em) => query<{ id: string }>(em, `select id from models limit 1`)))[0]!.id;
  const body = { url: 'https://example.com/hook', events: ['budget.warning', 'budget.exceeded'] };
  await api.call('POST', '/webhooks', { body });
});

beforeEach(async () => {
  await api.database.asOperator(async (em) => {
    await query(em, `delete from usage_metrics`);
    await query(em, `delete from budgets`);
    await query(em, `delete from webhook_deliveries`);
  });
});

const ask = (id = conversationId): Promise<Answer> =>
  api.call('POST', `/conversations/${id}/messages`, { body: { content: 'What is it?' } });
const put = async (name: string, body: Record<string, unknown>) => {
  const answer = await api.call('PUT', `/budgets/${name}`, { body });
  expect(answer.status).toBe(200);
  return answer.json;
};
const read = async (name: string) => (await api.call('GET', `/budgets/${name}`)).json;

async function spend(cost: number | null, more: { currency?: string; at?: string; turn?: string | null } = {}) {
  const currency = cost === null ? null : (more.currency ?? 'USD');
  await inWorkspace((em) =>
    query(
      em,
      `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, turn_id, state, cost, currency,
                                  "timestamp", settled_at)
       values ($1, $2, 'agent', $3, $4, $5, $6, $7, $8, coalesce($9::timestamptz, now()), now())`,
      [
        uuidV7(),
        api.tenant.workspaceId,
        agentId,
        modelId,
        more.turn === undefined ? turnId : more.turn,
        cost === null ? 'unknown' : 'settled',
        cost,
        currency,
        more.at ?? null,
      ],
    ),
  );
}

/** Sums all budgets up, as the sweep does every few seconds. */
async function sweep(): Promise<number> {
  await api.database.asOperator((em) => query(em, `update budgets set looked_at = null`));
  return (await createSweepBudgets({ database: api.database })()).swept;
}

const told = () =>
  api.database.asOperator((em) =>
    query<{ event: string; data: Record<string, unknown> }>(
      em,
      `with told as (delete from webhook_deliveries returning *)
       select event, payload -> 'data' as data from told order by event desc`,
    ),
  );

describe('a budget', () => {
  test('tells at 80 and at 100 per cent, once each', async () => {
    await put('month', { amount: 10 });
    await spend(7.9);
    expect(await sweep()).toBe(0);
    await spend(0.1);
    expect(await sweep()).toBe(1);
    expect(await told()).toMatchObject([
      { event: 'budget.warning', data: { budget: 'month', percent: 80, amount: '10', spent: '8', currency: 'USD' } },
    ]);
    expect(await sweep()).toBe(0);
    await spend(2);
    expect(await sweep()).toBe(1);
    expect(await sweep()).toBe(0);
    expect(await told()).toMatchObject([{ event: 'budget.exceeded', data: { percent: 100, spent: '10' } }]);
    expect(await read('month')).toMatchObject({ spent: '10', unknown_calls: 0, on_exceeded: 'notify' });
    expect((await ask()).status).toBe(202);
  });

  test('counts the calls of its month and currency alone, and says how many have no known cost', async () => {
    await put('month', { amount: 10 });
    await spend(3);
    await spend(4, { currency: 'EUR' });
    await spend(null);
    await spend(5, { at: new Date(Date.now() - 32 * 86_400_000).toISOString() });
    await sweep();
    expect(await read('month')).toMatchObject({ spent: '3', unknown_calls: 2, warned_at: null });
  });

  test('of an agent or a user counts their turns alone', async () => {
    await put('of-ada', { amount: 10, user: 'ada' });
    await put('of-eve', { amount: 10, user: 'eve' });
    await put('of-agent', { amount: 10, agent: agentId });
    await spend(2);
    await spend(3, { turn: null });
    await sweep();
    const spent = (await api.call('GET', '/budgets')).json.data.map((one: { name: string; spent: string }) => [
      one.name,
      one.spent,
    ]);
    expect(spent).toEqual([
      ['of-ada', '2'],
      ['of-agent', '2'],
      ['of-eve', '0'],
    ]);
    expectProblem(await api.call('PUT', '/budgets/of-nobody', { body: { amount: 1, agent: uuidV7() } }), 'bad_request');
  });

  test('that refuses lets no turn begin once it is used up, until its amount is raised', async () => {
    await put('month', { amount: 1, on_exceeded: 'refuse', user: 'ada' });
    await spend(1);
    expect((await ask()).status).toBe(202);
    await sweep();
    const refused = await ask();
    expectProblem(refused, 'budget_exhausted');
    expect(refused.json.detail).toContain('GET /budgets');
    const ofEve = (await api.call('POST', '/conversations', { body: { user: 'eve' } })).json.id;
    expect((await ask(ofEve)).status).toBe(202);
    await put('month', { amount: 2, on_exceeded: 'refuse', user: 'ada' });
    expect((await ask()).status).toBe(202);
  });

  test('begins anew with the month, and tells again', async () => {
    await put('month', { amount: 1, on_exceeded: 'refuse' });
    await spend(1);
    await sweep();
    await told();
    await api.database.asOperator((em) =>
      query(
        em,
        `update budgets set period_start = period_start - interval '1 month', period_end = period_start,
                warned_at = warned_at - interval '1 month', exceeded_at = exceeded_at - interval '1 month'`,
      ),
    );
    // The month has ended, though nobody has summed the new one up yet.
    expect((await ask()).status).toBe(202);
    expect(await sweep()).toBe(2);
    expect((await ask()).status).toBe(402);
  });

  test('is read, replaced and deleted by its name', async () => {
    await put('month', { amount: 5 });
    const { id } = await put('month', { amount: 6, time_zone: 'Europe/Zurich' });
    expect(await read('month')).toMatchObject({ id, amount: '6', time_zone: 'Europe/Zurich' });
    expect((await api.call('DELETE', '/budgets/month')).status).toBe(204);
    expectProblem(await api.call('GET', '/budgets/month'), 'not_found');
    for (const body of [{ amount: 0 }, { amount: 1, time_zone: 'Zurich' }, { amount: 1, currency: 'usd' }])
      expectProblem(await api.call('PUT', '/budgets/month', { body }), 'bad_request');
  });
});

test('R28: says which models it cannot count or refuse, because they have no price or one in another currency', async () => {
  const model = (name: string, pricing: object) =>
    api.call('POST', '/models', { body: { name, kind: 'chat', provider: 'openai', model_id: 'm', pricing } });
  const price = (currency: string) => ({ currency, input_per_million: '1', output_per_million: '2' });
  await model('priced', price('USD'));
  await model('free of a price', {});
  await model('in euros', price('EUR'));
  expect((await put('wall', { amount: 5, on_exceeded: 'refuse' })).warnings).toEqual([
    { code: 'models_without_price', detail: expect.stringMatching(/^Calls of free of a price are neither .* refused/) },
    { code: 'models_in_other_currency', detail: expect.stringMatching(/^Calls of in euros .* not in USD/) },
  ]);
  const own = await put('of an agent', { amount: 5, agent: 'assistant' });
  expect(own.warnings).toEqual([]);
  const { json } = await api.call('GET', '/models');
  const unpriced = json.data.find(({ name }: { name: string }) => name === 'free of a price');
  await api.call('PATCH', `/models/${unpriced.id}`, { body: { pricing: price('USD') } });
  expect((await read('wall')).warnings.map(({ code }: { code: string }) => code)).toEqual(['models_in_other_currency']);
});
