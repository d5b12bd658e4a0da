import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { settleUsage, unknownUsage } from '../../entities/conversations/turn-usage-repository.ts';
import { query } from '../../entities/sql.ts';
import { putBudget, sumUpBudget } from '../../entities/usage/budget-repository.ts';
import { startMemoryUsage } from '../../entities/memory/memory-usage-repository.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { guardBudgets } from '../../platform/guard-budgets.ts';
import { completeChat } from '../../providers/chat/complete-chat.ts';
import { createProviders, type Providers } from '../../providers/registry.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { createWorkspace, type TestWorkspace } from '../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
let provider: FakeProvider;
let workspace: TestWorkspace;
// A token of an answer costs a dollar, a prompt nothing.
const pricing = { input_per_million: '0', output_per_million: '1000000', currency: 'USD' };
const registry = createProviders({ modelDirectory: '/none' });

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
  provider = await startFakeProvider();
});
afterAll(async () => {
  await provider.stop();
  await registry.close();
  await database.close();
});
beforeEach(async () => {
  provider.control({ reset: true });
  await database.asOperator((em) => query(em, `delete from budgets`));
  workspace = await createWorkspace(database, { endpoint: provider.url });
});

const guarded = (): Pick<Providers, 'chatModel' | 'embeddingModel'> => guardBudgets(registry, database);
const inWorkspace = <T>(work: Parameters<typeof database.inWorkspace<T>>[1]) =>
  database.inWorkspace(workspace.workspaceId, work);

async function budget(amount: number, more: { userId?: string; onExceeded?: 'notify' | 'refuse' } = {}) {
  return inWorkspace(async (em) => {
    const { workspaceId } = workspace;
    const own = { id: v7(), workspaceId, name: 'month', agentId: null, userId: more.userId ?? null };
    const onExceeded = more.onExceeded ?? 'refuse';
    const id = await putBudget(em, { ...own, amount, currency: 'USD', timeZone: 'UTC', onExceeded });
    await sumUpBudget(em, id);
    return id;
  });
}

/** Makes a paid call as every caller does: its row, the call, its figures. Returns the code with which it was refused. */
async function pay(
  registryOfCalls: Pick<Providers, 'chatModel'>,
  { tokens = 1, maxTokens, paid = pricing }: { tokens?: number; maxTokens?: number; paid?: object } = {},
): Promise<string> {
  const callId = v7();
  const { workspaceId, userId, modelId } = workspace;
  await inWorkspace((em) =>
    startMemoryUsage(em, { callId, workspaceId, userId, modelId, attempt: 1, pricing: { ...paid } }),
  );
  const model = registryOfCalls.chatModel({
    ...{ provider: 'openai', modelId: `fake?tokens=${tokens}`, endpoint: provider.url, apiKey: 'x', capabilities: {} },
  });
  try {
    const messages = [{ role: 'user' as const, content: 'How much?' }];
    const { usage } = await completeChat(model, { messages, callId, ...(maxTokens !== undefined && { maxTokens }) });
    await inWorkspace((em) => settleUsage(em, callId, usage));
    return 'made';
  } catch (error) {
    await inWorkspace((em) => settleUsage(em, callId, unknownUsage));
    return (error as { code: string }).code;
  }
}

const spent = () =>
  inWorkspace((em) =>
    query<{ cost: number }>(em, `select coalesce(sum(cost), 0)::float8 as cost from usage_metrics`),
  ).then(([row]) => row!.cost);
const tally = (results: string[]) =>
  Object.fromEntries(
    new Map(
      Map.groupBy(results, (code) => code)
        .entries()
        .map(([code, all]) => [code, all.length]),
    ),
  );

test('R28: 50 calls at once against a budget of 10 spend 10 and no more, from two processes', async () => {
  await budget(10);
  const processes = [guarded(), guarded()];
  const results = await Promise.all(
    Array.from({ length: 50 }, (_, index) => pay(processes[index % 2]!, { maxTokens: 1 })),
  );
  expect(tally(results)).toEqual({ made: 10, budget_exhausted: 40 });
  expect(provider.log()).toHaveLength(10);
  expect(await spent()).toBe(10);
});

test('R28: many calls at once wait for the room that others hold back, until no more can be made', async () => {
  const id = await budget(10);
  const models = guarded();
  // Two of four fit beside one another, though each will cost one.
  const results = await Promise.all(Array.from({ length: 20 }, () => pay(models, { maxTokens: 4 })));
  // With 7 spent, 3 are left: fewer than the most that the next might cost.
  expect(tally(results)).toEqual({ made: 7, budget_exhausted: 13 });
  expect(await spent()).toBe(7);
  await inWorkspace((em) => sumUpBudget(em, id));
  expect(await pay(models, { maxTokens: 4 })).toBe('budget_exhausted');
  expect(await pay(models, { maxTokens: 3 })).toBe('made');
  expect(await spent()).toBe(8);
  // What was refused has cost nothing, and is no call of unknown cost.
  await inWorkspace((em) => sumUpBudget(em, id));
  expect(await inWorkspace((em) => query(em, `select unknown_calls, held::float8 as held from budgets`))).toEqual([
    { unknown_calls: 0, held: 0 },
  ]);
});

test('R28: a call whose figures never came counts for the most that it may have cost, also in the sum', async () => {
  const id = await budget(10);
  const models = guarded();
  provider.control({ default: { usage: false } });
  expect(await pay(models, { maxTokens: 8 })).toBe('made');
  provider.control({ reset: true });
  expect(await pay(models, { maxTokens: 3 })).toBe('budget_exhausted');
  await inWorkspace((em) => sumUpBudget(em, id));
  const [held] = await inWorkspace((em) =>
    query(em, `select trim_scale(spent)::text as spent, trim_scale(held)::text as held from budgets`),
  );
  expect(held).toEqual({ spent: '0', held: '8' });
  expect(await pay(models, { maxTokens: 3 })).toBe('budget_exhausted');
  expect(await pay(models, { maxTokens: 2 })).toBe('made');
});

test('an answer without a limit of its own gets one, and a prompt counts by its bytes', async () => {
  await budget(4095);
  expect(await pay(guarded())).toBe('budget_exhausted');
  await budget(4096);
  expect(await pay(guarded())).toBe('made');
  await budget(20);
  const paid = { input_per_million: '1000000', output_per_million: '0', currency: 'USD' };
  expect(await pay(guarded(), { paid, maxTokens: 1 })).toBe('budget_exhausted');
});

test('budgets of others, in other currencies or that only notify refuse nothing, nor is a call without a price', async () => {
  const other = await createWorkspace(database, { endpoint: provider.url });
  await budget(0.5, { userId: workspace.userId });
  expect(await pay(guarded(), { maxTokens: 1, paid: { ...pricing, currency: 'EUR' } })).toBe('made');
  expect(await pay(guarded(), { maxTokens: 1, paid: {} })).toBe('made');
  expect(await pay(guarded(), { maxTokens: 1 })).toBe('budget_exhausted');
  const own = workspace;
  workspace = other;
  expect(await pay(guarded(), { maxTokens: 1 })).toBe('made');
  workspace = own;
  await budget(0.5, { onExceeded: 'notify' });
  expect(await pay(guarded(), { maxTokens: 1 })).toBe('made');
});

test('an embedding call is held back by its texts', async () => {
  await budget(5);
  const models = guarded();
  const settings = { provider: 'openai', modelId: 'fake', endpoint: provider.url, apiKey: 'x' };
  const model = models.embeddingModel({ ...settings, capabilities: { dimensions: 384 } });
  const callId = v7();
  const { workspaceId, userId, modelId } = workspace;
  const paid = { input_per_million: '1000000', currency: 'USD' };
  await inWorkspace((em) => startMemoryUsage(em, { callId, workspaceId, userId, modelId, attempt: 1, pricing: paid }));
  await expect(model.embed(['four'], { callId })).rejects.toMatchObject({ code: 'budget_exhausted' });
  await expect(model.embed(['one'], { callId })).resolves.toMatchObject({ vectors: [expect.anything()] });
});
