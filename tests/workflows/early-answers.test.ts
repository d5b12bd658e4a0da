import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { beginTurnEarly } from '../../activities/conversation/advance-turn.ts';
import { createEarlyAnswers, type EarlyAnswers } from '../../activities/conversation/early-answers.ts';
import { writeTurnNews } from '../../contracts/names/turn-news.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { query } from '../../entities/sql.ts';
import { createSweepTurns } from '../../activities/upkeep/sweep-turns.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { until } from '../support/until.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { createConversation, createWorkspace } from '../support/workspaces/create-workspace.ts';
import { shownText, turnClient } from '../support/workspaces/turn-client.ts';

jest.setTimeout(60_000);
const rows = testDatabase();
const temporal = testTemporal();
const slowModel = 'fake?firstTokenMs=100&tokenMs=20&tokens=60';
let database: Database;
let provider: FakeProvider;
let effects: EffectService;
let connection: Connection;
let client: Client;
let worker: ConversationWorker;
/** Answers early in what would be another process: it has no worker, and the worker's process hears of it. */
let elsewhere: EarlyAnswers;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 16 }, 'test');
  [provider, effects] = await Promise.all([startFakeProvider(), startEffectService()]);
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  const look = effectTool({ name: 'look', url: `${effects.url}/stock`, effect: 'read' });
  const pay = effectTool({ name: 'pay', url: `${effects.url}/payment`, effect: 'write', approval: { mode: 'always' } });
  worker = await startConversationWorker(database, temporal, { tools: offerTools([look, pay]) });
  elsewhere = otherProcess();
});
afterEach(() => provider.control({ reset: true }));
afterAll(async () => {
  await elsewhere?.close();
  await worker?.stop();
  await connection?.close();
  await Promise.all([provider?.stop(), effects?.stop()]);
  await database?.close();
});

const otherProcess = () => createEarlyAnswers(worker.deps, (news) => worker.early.hear(news));

async function conversationWith(model = slowModel) {
  const workspace = await createWorkspace(database, { endpoint: provider.url, model });
  const conversationId = await createConversation(database, workspace);
  const chat = turnClient(database, client, workspace, conversationId);
  const turnOf = (turnId: string) => ({ workspaceId: workspace.workspaceId, conversationId, turnId });
  return {
    ...chat,
    turnOf,
    conversationId,
    news: (turnId: string) => writeTurnNews({ accepted: turnOf(turnId) }),
    /** Waits until the first text of the turn is stored. */
    speaks: (turnId: string) =>
      until(async () => (await chat.events(turnId)).some(({ kind }) => kind === 'text_delta'), {
        what: 'the first text',
      }),
    /** What the row says of who has the turn. */
    holder: async (turnId: string) => {
      const [row] = await database.asOperator((em) =>
        query<{ activity_id: string | null; run_id: string | null; is_leased: boolean }>(
          em,
          `select activity_id, run_id, leased_until is not null as is_leased from turns where id = $1`,
          [turnId],
        ),
      );
      return row;
    },
    kinds: async (turnId: string) => (await chat.events(turnId)).map(({ kind }) => kind),
    /** Waits until the conversation's workflow has nothing to do. */
    isCalm: () =>
      until(
        async () => {
          const handle = client.workflow.getHandle(workflowIds.conversation(conversationId));
          const status = await handle.query<{ running: string | null; queued: string[] }>('status').catch(() => null);
          return status !== null && status.running === null && status.queued.length === 0;
        },
        { what: 'the workflow to be calm', timeoutMs: 20_000 },
      ),
  };
}

describe('an answer that is begun before the workflow has heard of its turn', () => {
  test.each([
    ['of the same process', () => worker.early],
    ['of another process', () => elsewhere],
  ])('is taken over by the activity %s, with one call and no reset', async (_where, early) => {
    const chat = await conversationWith();
    const turnId = await chat.accept('What lasts?');
    early().hear(chat.news(turnId));
    await chat.speaks(turnId);
    expect(await chat.holder(turnId)).toEqual({ activity_id: 'early', run_id: null, is_leased: true });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    await chat.isCalm();
    expect(provider.log()).toHaveLength(1);
    expect(await chat.kinds(turnId)).not.toContain('reset');
    expect(await chat.usage(turnId)).toMatchObject([{ state: 'settled', attempt: 1 }]);
    expect((await chat.messages()).at(-1)?.content).toBe(shownText(await chat.events(turnId)));
    expect(await chat.holder(turnId)).toEqual({
      activity_id: expect.not.stringMatching('early'),
      run_id: expect.any(String),
      is_leased: false,
    });
  });

  test('R34: is begun again with one reset when its process has died', async () => {
    const chat = await conversationWith('fake?tokens=10');
    const turnId = await chat.accept('What lasts?');
    const dead = await beginTurnEarly(worker.deps, chat.turnOf(turnId), {
      leaseMs: 1500,
      adoption: { by: null, isNoted: false },
    });
    expect(dead).not.toBeNull();
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    expect((await chat.kinds(turnId)).filter((kind) => kind === 'reset')).toHaveLength(1);
    expect(await chat.usage(turnId)).toMatchObject([{ state: 'unknown' }, { state: 'settled' }]);
    expect(provider.log()).toHaveLength(1);
  });

  test('is gone on with at once when its process is shut down', async () => {
    const chat = await conversationWith();
    const leaving = otherProcess();
    const turnId = await chat.accept('What lasts?');
    leaving.hear(chat.news(turnId));
    await chat.speaks(turnId);
    await chat.submit(turnId);
    await leaving.close();
    const left = Date.now();
    await until(async () => (await chat.kinds(turnId)).includes('reset'), { what: 'the next attempt' });
    expect(Date.now() - left).toBeLessThan(3000);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    const late = await chat.accept('Too late');
    leaving.hear(chat.news(late));
    await chat.submit(late);
    await chat.ended(late);
    expect(provider.log()).toHaveLength(3);
  });

  test('R16: is begun by one of ten processes that hear of it twice each', async () => {
    const chat = await conversationWith();
    const ten = Array.from({ length: 10 }, otherProcess);
    const turnId = await chat.accept('What lasts?');
    for (let n = 0; n < 2; n += 1) for (const early of ten) early.hear(chat.news(turnId));
    await chat.speaks(turnId);
    for (const early of ten) early.hear(chat.news(turnId));
    await chat.submit(turnId);
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    await chat.isCalm();
    expect(provider.log()).toHaveLength(1);
    expect((await chat.messages()).map(({ sender }) => sender)).toEqual(['user', 'assistant']);
    await Promise.all(ten.map((early) => early.close()));
  });

  test('is not begun when the activity was first, or another turn is under way', async () => {
    const chat = await conversationWith();
    const first = await chat.send('first');
    await chat.speaks(first);
    elsewhere.hear(chat.news(first));
    const second = await chat.accept('second');
    elsewhere.hear(chat.news(second));
    await chat.submit(second);
    expect(await chat.ended(first)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(await chat.ended(second)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(provider.log()).toHaveLength(2);
    const messages = await chat.messages();
    const answer = messages.find(({ turn_id, sender }) => turn_id === first && sender === 'assistant');
    expect(messages.find(({ content }) => content === 'second')?.parent_id).toBe(answer?.id);
  });

  test('comes before a turn whose update has overtaken its own', async () => {
    const chat = await conversationWith();
    const first = await chat.accept('first');
    elsewhere.hear(chat.news(first));
    await chat.speaks(first);
    const second = await chat.send('second');
    expect(await chat.ended(second)).toMatchObject({ state: 'completed', attempt: 1 });
    const messages = await chat.messages();
    expect(messages.map(({ content, sender }) => (sender === 'user' ? content : sender))).toEqual([
      'first',
      'second',
      'assistant',
      'assistant',
    ]);
    expect(messages[1]?.parent_id).toBe(messages[2]?.id);
    expect(messages[2]?.turn_id).toBe(first);
    expect(provider.log()).toHaveLength(2);
  });
});

describe('a cancel of an early answer', () => {
  test.each([
    ['before the workflow has heard of the turn', false],
    ['that an activity has', true],
  ])('stops the call within a second, %s', async (_when, isSubmitted) => {
    const chat = await conversationWith('fake?tokenMs=50&tokens=200');
    const turnId = await chat.accept('What lasts?');
    worker.early.hear(chat.news(turnId));
    await chat.speaks(turnId);
    if (isSubmitted) await chat.submit(turnId);
    const asked = Date.now();
    await chat.cancel(turnId);
    const call = await until(async () => provider.log().find(({ abortedAt }) => abortedAt !== null), {
      what: 'the end of the call',
    });
    expect(call.abortedAt! - asked).toBeLessThan(1000);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
    const [, answer] = await chat.messages();
    expect(answer).toMatchObject({ content: shownText(await chat.events(turnId)), metadata: { cancelled: true } });
    await chat.submit(turnId);
    await chat.isCalm();
    expect(provider.log()).toHaveLength(1);
  });
});

test('a turn whose cancel overtakes its own update holds nothing up, though its early answer asked for an approval', async () => {
  const chat = await conversationWith('fake?tokens=5&tool=pay');
  const turnId = await chat.accept('Pay it');
  worker.early.hear(chat.news(turnId));
  await chat.callIn(turnId, 'pay', 'proposed');
  await chat.cancel(turnId);
  expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
  await chat.submit(turnId);
  await chat.isCalm();
  expect(effects.log()).toEqual([]);
});

describe('an early answer that fails', () => {
  test('R36: is tried again after its pause, by an activity elsewhere', async () => {
    const chat = await conversationWith('fake?tokens=5');
    provider.control({ script: [{ on: 'chat', failure: { kind: 'status', status: 500 } }] });
    const turnId = await chat.accept('What lasts?');
    elsewhere.hear(chat.news(turnId));
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    const [refused, answered, ...more] = provider.log();
    expect(more).toEqual([]);
    expect(answered!.startedAt - refused!.startedAt).toBeGreaterThanOrEqual(450);
  });

  test('R36: is not asked again where the request is at fault', async () => {
    const chat = await conversationWith('fake?tokens=5');
    provider.control({ script: [{ on: 'chat', times: 5, failure: { kind: 'status', status: 400 } }] });
    const turnId = await chat.accept('What lasts?');
    elsewhere.hear(chat.news(turnId));
    await until(async () => provider.log().some(({ outcome }) => outcome === 'failed'), { what: 'the refusal' });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({
      state: 'failed',
      error: { code: 'provider_invalid_request' },
    });
    expect(provider.log()).toHaveLength(1);
  });
});

/** Lets the sweep look, as it does every few seconds, until something has come of it. */
const swept = (probe: () => Promise<boolean>) =>
  until(
    async () => {
      await createSweepTurns({ database, ...createWorkStarter(client) })();
      return probe();
    },
    { what: 'what the sweep brings about', timeoutMs: 20_000, everyMs: 500 },
  );

describe('an early answer whose turn the workflow is never told of', () => {
  test('is brought to it by the sweep once it is complete', async () => {
    const chat = await conversationWith('fake?tokens=5');
    const turnId = await chat.accept('What lasts?');
    elsewhere.hear(chat.news(turnId));
    await chat.ended(turnId);
    expect(await chat.holder(turnId)).toMatchObject({ activity_id: 'early' });
    await swept(async () => (await chat.holder(turnId))?.run_id !== null);
    await chat.isCalm();
    expect(provider.log()).toHaveLength(1);
  });

  test('is brought to it by the sweep when its tools are to be run', async () => {
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const turnId = await chat.accept('What is there?');
    elsewhere.hear(chat.news(turnId));
    await chat.callIn(turnId, 'look', 'proposed', 'approved');
    await swept(async () => (await chat.turn(turnId)).state === 'completed');
    expect((await chat.turn(turnId)).attempt).toBe(1);
    expect(provider.log()).toHaveLength(2);
    expect(effects.log()).toHaveLength(1);
  });
});
