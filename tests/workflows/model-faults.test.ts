import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { query } from '../../entities/sql.ts';
import { countModelFailure, probeModel, readModelCircuits } from '../../entities/usage/model-circuit-repository.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import type { Failure } from '../support/fake-provider/behaviour.ts';
import { putBudgetOf } from '../support/workspaces/put-budget.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import type { TestWorkspace } from '../support/workspaces/create-workspace.ts';
import { shownText } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const harness = conversationHarness({ pool: 8 });
// What one worker knows of a model the other can only know from the rows: each has connections of its own.
let others: Database;
let secondWorker: ConversationWorker;

beforeAll(async () => {
  others = createDatabase({ DATABASE_URL: harness.databaseUrl, PERDURE_DATABASE_POOL: 8 }, 'other');
  secondWorker = await startConversationWorker(others, harness.temporal);
});
afterAll(async () => {
  await secondWorker?.stop();
  await others?.close();
});

const failing = (status: number, headers: Record<string, string> = {}): Failure => ({
  kind: 'status',
  status,
  headers,
});

/** A workspace whose agent has the model `first` and falls back to `second`, `third`… */
const agentWith = (...fallbacks: string[]) =>
  harness.workspace({ model: 'first', fallbacks: Object.fromEntries(fallbacks.map((name) => [name, {}])) });

const chatIn = (workspace: TestWorkspace) => harness.open(workspace);

const calledModels = () => harness.provider.log().map((call) => call.model);

type Chat = Awaited<ReturnType<typeof chatIn>>;

const told = async (chat: Chat, turnId: string) =>
  (await chat.events(turnId))
    .filter(({ kind }) => kind === 'retrying' || kind === 'model_fallback')
    .map(({ kind, data }) => ({ kind, ...data }));

const circuitOf = async ({ modelId, workspaceId }: TestWorkspace) =>
  harness.database.inWorkspace(workspaceId, async (em) => (await readModelCircuits(em, [modelId])).get(modelId));

const open = (workspace: TestWorkspace, seconds: number) =>
  harness.database.asOperator((em) =>
    query(
      em,
      `insert into model_circuits (workspace_id, model_id, failures, openings, open_until)
       values ($1, $2, 5, 1, clock_timestamp() + $3 * interval '1 second')
       on conflict (workspace_id, model_id) do update set failures = 5, openings = 1, open_until = excluded.open_until`,
      [workspace.workspaceId, workspace.modelId, seconds],
    ),
  );

describe('a model that fails', () => {
  test('R36, R37: is called again after a pause that watchers are told, with one request an attempt', async () => {
    const chat = await chatIn(await agentWith());
    harness.provider.control({
      script: [
        { failure: failing(500) },
        { failure: { kind: 'reset', afterTokens: 3 } },
        { failure: failing(503, { 'retry-after': new Date(Date.now() + 4000).toUTCString() }) },
      ],
    });
    const turnId = await chat.send('Is anybody there?');
    expect(await chat.ended(turnId, 40_000)).toMatchObject({ state: 'completed', attempt: 4 });
    const events = await told(chat, turnId);
    expect(events).toMatchObject([
      { kind: 'retrying', model: 'chat', reason: 'provider_unavailable', in_ms: 500, step: 0 },
      { kind: 'retrying', model: 'chat', reason: 'provider_unavailable', in_ms: 1000 },
      { kind: 'retrying', model: 'chat', reason: 'provider_unavailable' },
    ]);
    const calls = harness.provider.log();
    expect(calls).toHaveLength(4);
    for (const [place, event] of events.entries()) {
      const pause = calls[place + 1]!.startedAt - calls[place]!.startedAt;
      expect(pause).toBeGreaterThanOrEqual(Number((event as { in_ms?: unknown }).in_ms) - 50);
    }
    const all = await chat.events(turnId);
    expect(all.filter(({ kind }) => kind === 'reset')).toHaveLength(3);
    expect(shownText(all)).toBe((await chat.messages()).at(-1)?.content);
    expect((await chat.usage(turnId)).map(({ state }) => state)).toEqual(['unknown', 'unknown', 'unknown', 'settled']);
  });

  test.each([400, 401, 422])('R36: is not called again after a %i', async (status) => {
    const chat = await chatIn(await agentWith());
    harness.provider.control({ script: [{ failure: failing(status), times: 9 }] });
    expect((await chat.ended(await chat.send('Well?'))).state).toBe('failed');
    expect(harness.provider.log()).toHaveLength(1);
  });

  test('R36: is not waited for when it asks for hours', async () => {
    const chat = await chatIn(await agentWith());
    harness.provider.control({ script: [{ failure: failing(429, { 'retry-after': '7200' }), times: 9 }] });
    expect(await chat.ended(await chat.send('Well?'))).toMatchObject({ error: { code: 'provider_rate_limited' } });
    expect(harness.provider.log()).toHaveLength(1);
  });
});

describe('fallback models', () => {
  test('R37: take over in their order after two failures each, and the turn shows who answered at which price', async () => {
    const chat = await chatIn(await agentWith('second', 'third'));
    harness.provider.control({
      script: ['first', 'second'].map((model) => ({ model, failure: failing(503), times: 9 })),
    });
    const turnId = await chat.send('Who answers?');
    expect(await chat.ended(turnId, 30_000)).toMatchObject({ state: 'completed' });
    expect(calledModels()).toEqual(['first', 'first', 'second', 'second', 'third']);
    expect(await told(chat, turnId)).toMatchObject([
      { kind: 'retrying', model: 'chat', in_ms: 500 },
      { kind: 'model_fallback', from: 'chat', to: 'second', reason: 'provider_unavailable' },
      { kind: 'retrying', model: 'second' },
      { kind: 'model_fallback', from: 'second', to: 'third' },
    ]);
    const { promptTokens, completionTokens } = harness.provider.log().at(-1)!;
    expect((await chat.usage(turnId)).at(-1)).toMatchObject({
      state: 'settled',
      cost: ((10 * promptTokens + 20 * completionTokens) / 1e6).toFixed(10),
    });
    const usage = (await chat.events(turnId)).find(({ kind }) => kind === 'usage');
    expect(usage?.data).toMatchObject({ model: 'third' });
    const [step] = await chat.query(`select request ->> 'model' as model from turn_steps where turn_id = $1`, [turnId]);
    expect(step).toEqual({ model: 'third' });
  });

  test.each([401, 404])('R36: take over at once after a %i, and are not asked in vain after a 400', async (status) => {
    const workspace = await agentWith('second');
    const chat = await chatIn(workspace);
    harness.provider.control({ script: [{ model: 'first', failure: failing(status), times: 9 }] });
    expect((await chat.ended(await chat.send('Who answers?'))).state).toBe('completed');
    expect(calledModels()).toEqual(['first', 'second']);
    harness.provider.control({ reset: true, script: [{ failure: failing(400), times: 9 }] });
    expect((await chat.ended(await chat.send('And now?'))).state).toBe('failed');
    expect(harness.provider.log()).toHaveLength(1);
  });

  test('a provider that asks for a minute is not waited for while another model is there', async () => {
    const chat = await chatIn(await agentWith('second'));
    harness.provider.control({ script: [{ model: 'first', failure: failing(429, { 'retry-after': '60' }) }] });
    const turnId = await chat.send('Now, please');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    const next = await chat.send('And again');
    expect(await chat.ended(next)).toMatchObject({ state: 'completed' });
    expect(calledModels()).toEqual(['first', 'second', 'second']);
    expect(await told(chat, next)).toMatchObject([{ kind: 'model_fallback', reason: 'provider_rate_limited' }]);
  });
});

describe('the circuit of a model', () => {
  test('opens after five failures in a row, whichever worker met them; then nobody calls the model', async () => {
    const workspace = await agentWith('second');
    const chats = await Promise.all(Array.from({ length: 5 }, () => chatIn(workspace)));
    harness.provider.control({ script: [{ model: 'first', failure: failing(500), times: 99 }] });
    for (const chat of chats) await chat.ended(await chat.send('Well?'), 30_000);
    expect(await circuitOf(workspace)).toMatchObject({ state: 'open', lastCode: 'provider_unavailable' });
    const calls = calledModels().filter((model) => model === 'first').length;
    expect(calls).toBe(5);
    const turnId = await chats[0]!.send('Once more');
    expect(await chats[0]!.ended(turnId)).toMatchObject({ state: 'completed' });
    expect(calledModels().filter((model) => model === 'first')).toHaveLength(calls);
    expect(await told(chats[0]!, turnId)).toMatchObject([
      { kind: 'model_fallback', from: 'chat', to: 'second', reason: 'circuit_open' },
    ]);
  });

  test('a turn whose only model rests waits, says so, tries it then, and closes the circuit by its answer', async () => {
    const workspace = await agentWith();
    await open(workspace, 2);
    const chat = await chatIn(workspace);
    const turnId = await chat.send('Patience');
    await until(async () => (await told(chat, turnId)).length > 0, { what: 'the event that it waits' });
    expect(harness.provider.log()).toHaveLength(0);
    expect(await chat.ended(turnId, 30_000)).toMatchObject({ state: 'completed', attempt: 1 });
    const [wait] = await told(chat, turnId);
    expect(wait).toMatchObject({ kind: 'retrying', model: 'chat', reason: 'circuit_open' });
    expect((await chat.events(turnId)).map(({ kind }) => kind)).not.toContain('reset');
    expect(await circuitOf(workspace)).toMatchObject({ state: 'closed', failures: 0 });
  });

  test('lets one turn through once its time is over, and rests for twice as long when that one fails', async () => {
    const workspace = await agentWith('second');
    await open(workspace, -1);
    const chats = await Promise.all(Array.from({ length: 6 }, () => chatIn(workspace)));
    harness.provider.control({ script: [{ model: 'first', firstTokenMs: 1500, failure: failing(500), times: 99 }] });
    const turns = await Promise.all(chats.map((chat) => chat.send('Is it well again?')));
    for (const [place, turnId] of turns.entries())
      expect(await chats[place]!.ended(turnId, 30_000)).toMatchObject({ state: 'completed' });
    expect(calledModels().filter((model) => model === 'first')).toHaveLength(1);
    const circuit = await circuitOf(workspace);
    expect(circuit?.state).toBe('open');
    expect(circuit!.openUntil!.getTime() - Date.now()).toBeGreaterThan(45_000);
  });

  test('a request that the provider refuses says nothing against its model', async () => {
    const workspace = await agentWith();
    harness.provider.control({ script: [{ failure: failing(400), times: 9 }] });
    const chat = await chatIn(workspace);
    for (let turn = 0; turn < 6; turn += 1) await chat.ended(await chat.send('What?'));
    expect((await circuitOf(workspace))?.failures ?? 0).toBe(0);
  });

  test('of many that want to try the model at once, one is let through', async () => {
    const workspace = await agentWith();
    await open(workspace, -1);
    const taken = await Promise.all(
      Array.from({ length: 20 }, (_, place) =>
        (place % 2 ? harness.database : others).inWorkspace(workspace.workspaceId, (em) =>
          probeModel(em, workspace, v7()),
        ),
      ),
    );
    expect(taken.filter(Boolean)).toHaveLength(1);
  });

  test('failures that come at once open it once; those of a call from before do not prolong its rest', async () => {
    const workspace = await agentWith();
    await Promise.all(
      Array.from({ length: 12 }, () =>
        harness.database.inWorkspace(workspace.workspaceId, (em) =>
          countModelFailure(em, workspace, 'provider_timeout'),
        ),
      ),
    );
    const circuit = await circuitOf(workspace);
    expect(circuit).toMatchObject({ state: 'open', failures: 12 });
    expect(circuit!.openUntil!.getTime() - Date.now()).toBeLessThanOrEqual(30_000);
  });
});

test('R28: a turn for which a budget has too little left fails with the reason, and blames no model for it', async () => {
  const workspace = await agentWith('second');
  await putBudgetOf(harness.database, workspace.workspaceId, 1e-6);
  const chat = await chatIn(workspace);
  const turnId = await until(
    async () => {
      const sent = await chat.send('How much?');
      return (await chat.ended(sent)).state === 'failed' && sent;
    },
    { what: 'a turn that is refused' },
  );
  const calls = harness.provider.log().length;
  const [turn] = await chat.query<{ error: { code: string; detail: string } }>(
    `select error from turns where id = $1`,
    [turnId],
  );
  expect(turn!.error.code).toBe('budget_exhausted');
  expect(await told(chat, turnId)).toEqual([]);
  expect((await circuitOf(workspace))?.failures ?? 0).toBe(0);
  await putBudgetOf(harness.database, workspace.workspaceId, 1);
  expect(await chat.ended(await chat.send('And now?'))).toMatchObject({ state: 'completed' });
  expect(harness.provider.log()).toHaveLength(calls + 1);
});
