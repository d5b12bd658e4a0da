import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { beginNextEarly, beginTurnEarly, goOn } from '../../activities/conversation/advance-turn.ts';
import { createEarlyAnswers, type EarlyAnswers } from '../../activities/conversation/early-answers.ts';
import { writeTurnNews } from '../../contracts/names/turn-news.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { createSweepTurns } from '../../activities/upkeep/sweep-turns.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';
import { shownText } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
/** Answers early in what would be another process: it has no worker, and the worker's process hears of it. */
let elsewhere: EarlyAnswers;
// Before the harness takes the worker's database away.
afterAll(() => elsewhere?.close());
const harness = conversationHarness({
  tools: ({ url }) =>
    offerTools([
      effectTool({ name: 'look', url: `${url}/stock`, effect: 'read' }),
      effectTool({ name: 'note', url: `${url}/note`, effect: 'write', idempotent: true }),
      effectTool({ name: 'pay', url: `${url}/payment`, effect: 'write', approval: { mode: 'always' } }),
    ]),
});
const slowModel = 'fake?firstTokenMs=100&tokenMs=20&tokens=60';

/** What the service has met in this test. */
const effects = () => harness.service.log().slice(before);
let before = 0;
beforeEach(() => {
  before = harness.service.log().length;
});

beforeAll(() => {
  elsewhere = otherProcess();
});

const otherProcess = () => createEarlyAnswers(harness.worker.deps, (news) => harness.worker.early.hear(news));

async function conversationWith(model = slowModel) {
  const chat = await harness.open({ model });
  const { conversationId, workspace } = chat;
  const turnOf = (turnId: string) => ({ workspaceId: workspace.workspaceId, conversationId, turnId });
  return {
    ...chat,
    turnOf,
    news: (turnId: string) => writeTurnNews({ accepted: turnOf(turnId) }),
    /** Waits until the first text of the turn is stored. */
    speaks: (turnId: string) =>
      until(async () => (await chat.events(turnId)).some(({ kind }) => kind === 'text_delta'), {
        what: 'the first text',
      }),
    /** What the row says of who has the turn. */
    holder: async (turnId: string) => {
      const [row] = await chat.query<{ activity_id: string | null; run_id: string | null; is_leased: boolean }>(
        `select activity_id, run_id, leased_until is not null as is_leased from turns where id = $1`,
        [turnId],
      );
      return row;
    },
    kinds: async (turnId: string) => (await chat.events(turnId)).map(({ kind }) => kind),
    /** Waits until the conversation's workflow has nothing to do. */
    isCalm: () =>
      until(
        async () => {
          const handle = harness.client.workflow.getHandle(workflowIds.conversation(conversationId));
          const status = await handle.query<{ running: string | null; queued: string[] }>('status').catch(() => null);
          return status !== null && status.running === null && status.queued.length === 0;
        },
        { what: 'the workflow to be calm' },
      ),
  };
}

describe('an answer that is begun before the workflow has heard of its turn', () => {
  test.each([
    ['of the same process', () => harness.worker.early],
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
    expect(harness.provider.log()).toHaveLength(1);
    expect(await chat.kinds(turnId)).not.toContain('reset');
    expect(await chat.usage(turnId)).toMatchObject([{ state: 'settled', attempt: 1 }]);
    expect((await chat.messages()).at(-1)?.content).toBe(shownText(await chat.events(turnId)));
    // Of an answer that has ended before its activity came the note follows.
    await until(async () => (await chat.holder(turnId))?.activity_id !== 'early', {
      what: 'the activity to be noted',
    });
    expect(await chat.holder(turnId)).toEqual({
      activity_id: expect.not.stringMatching('early'),
      run_id: expect.any(String),
      is_leased: false,
    });
  });

  test('R34: is begun again with one reset when its process has died', async () => {
    const chat = await conversationWith('fake?tokens=10');
    const turnId = await chat.accept('What lasts?');
    const dead = await beginTurnEarly(harness.worker.deps, chat.turnOf(turnId), {
      leaseMs: 1500,
      adoption: { by: null, isNoted: false },
    });
    expect(dead).not.toBeNull();
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    expect((await chat.kinds(turnId)).filter((kind) => kind === 'reset')).toHaveLength(1);
    expect(await chat.usage(turnId)).toMatchObject([{ state: 'unknown' }, { state: 'settled' }]);
    expect(harness.provider.log()).toHaveLength(1);
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
    expect(harness.provider.log()).toHaveLength(3);
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
    expect(harness.provider.log()).toHaveLength(1);
    expect((await chat.messages()).map(({ sender }) => sender)).toEqual(['user', 'assistant']);
    await Promise.all(ten.map((early) => early.close()));
  });

  test('keeps its lease when an activity elsewhere adopts what could not be begun there', async () => {
    const chat = await conversationWith('fake?firstTokenMs=100&tokenMs=50&tokens=60');
    const turnId = await chat.accept('What lasts?');
    const isHeldUp = Promise.withResolvers<void>();
    const { database, provider, worker } = harness;
    const slow: typeof database = {
      ...database,
      async inWorkspace(workspaceId, work) {
        await isHeldUp.promise;
        return database.inWorkspace(workspaceId, work);
      },
    };
    const late = createEarlyAnswers({ ...worker.deps, database: slow }, () => {});
    late.hear(chat.news(turnId));
    elsewhere.hear(chat.news(turnId));
    await chat.speaks(turnId);
    const run = { runId: 'run', activityId: '1', attempt: 1 };
    const adopted = late.adopt(turnId, run, new AbortController().signal);
    isHeldUp.resolve();
    expect(await adopted).toBeNull();
    await late.close();
    expect(await chat.holder(turnId)).toEqual({ activity_id: 'early', run_id: null, is_leased: true });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(provider.log()).toHaveLength(1);
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
    expect(harness.provider.log()).toHaveLength(2);
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
    expect(harness.provider.log()).toHaveLength(2);
  });
});

describe('a cancel of an early answer', () => {
  test.each([
    ['before the workflow has heard of the turn', false],
    ['that an activity has', true],
  ])('stops the call within a second, %s', async (_when, isSubmitted) => {
    const chat = await conversationWith('fake?tokenMs=50&tokens=200');
    const turnId = await chat.accept('What lasts?');
    harness.worker.early.hear(chat.news(turnId));
    await chat.speaks(turnId);
    if (isSubmitted) await chat.submit(turnId);
    const asked = Date.now();
    await chat.cancel(turnId);
    const call = await until(async () => harness.provider.log().find(({ abortedAt }) => abortedAt !== null), {
      what: 'the end of the call',
    });
    expect(call.abortedAt! - asked).toBeLessThan(1000);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
    const [, answer] = await chat.messages();
    expect(answer).toMatchObject({ content: shownText(await chat.events(turnId)), metadata: { cancelled: true } });
    await chat.submit(turnId);
    await chat.isCalm();
    expect(harness.provider.log()).toHaveLength(1);
  });
});

test('a turn whose cancel overtakes its own update holds nothing up, though its early answer asked for an approval', async () => {
  const chat = await conversationWith('fake?tokens=5&tool=pay');
  const turnId = await chat.accept('Pay it');
  harness.worker.early.hear(chat.news(turnId));
  await chat.callIn(turnId, 'pay', 'proposed');
  await chat.cancel(turnId);
  expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
  await chat.submit(turnId);
  await chat.isCalm();
  expect(effects()).toEqual([]);
});

describe('an early answer whose calls only read', () => {
  const kindsOfCall = ['tool_call_proposed', 'tool_call_started', 'tool_call_result'];

  test('runs them and asks the model again before the workflow hears of the turn, each once', async () => {
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const turnId = await chat.accept('What is there?');
    elsewhere.hear(chat.news(turnId));
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1, step: 2 });
    expect(await chat.calls(turnId)).toMatchObject([{ tool_name: 'look', state: 'succeeded', attempts: 1 }]);
    expect((await chat.kinds(turnId)).filter((kind) => kindsOfCall.includes(kind))).toEqual(kindsOfCall);
    expect((await chat.messages()).at(-1)?.content).toBe(shownText(await chat.events(turnId)));
    await chat.submit(turnId);
    await chat.isCalm();
    expect(effects()).toHaveLength(1);
    expect(harness.provider.log()).toHaveLength(2);
    expect(await chat.usage(turnId)).toMatchObject([{ state: 'settled' }, { state: 'settled' }]);
  });

  test('goes on as the answer of the activity that comes while they run', async () => {
    harness.service.delayAnswers(500);
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const turnId = await chat.accept('What is there?');
    harness.worker.early.hear(chat.news(turnId));
    await chat.callIn(turnId, 'look', 'executing');
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    await chat.isCalm();
    expect(await chat.kinds(turnId)).not.toContain('reset');
    expect(effects()).toHaveLength(1);
    expect(harness.provider.log()).toHaveLength(2);
  });

  test('R17: leaves them to the workflow when its process is shut down, with the step that asked for them', async () => {
    harness.service.delayAnswers(60_000);
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const leaving = otherProcess();
    const turnId = await chat.accept('What is there?');
    leaving.hear(chat.news(turnId));
    await chat.callIn(turnId, 'look', 'executing');
    await until(async () => effects().length === 1, { what: 'the read' });
    harness.service.delayAnswers(0);
    await leaving.close();
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    expect(await chat.calls(turnId)).toMatchObject([{ state: 'succeeded', attempts: 2 }]);
    expect(harness.provider.log()).toHaveLength(2);
  });

  test('begins no further step of a turn that was cancelled meanwhile', async () => {
    harness.service.delayAnswers(500);
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const turnId = await chat.accept('What is there?');
    elsewhere.hear(chat.news(turnId));
    await chat.callIn(turnId, 'look', 'executing');
    await chat.cancel(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
    await until(async () => effects().length === 1, { what: 'the read' });
    await chat.submit(turnId);
    await chat.isCalm();
    expect(await chat.calls(turnId)).toMatchObject([{ state: 'cancelled' }]);
    expect(harness.provider.log()).toHaveLength(1);
  });

  test('writes nothing more when it was frozen past its lease and its successor has begun', async () => {
    const chat = await conversationWith('fake?tokens=5&tool=look');
    const turnId = await chat.accept('What is there?');
    const { deps } = harness.worker;
    const adoption = { by: null, isNoted: false };
    const open = await beginTurnEarly(deps, chat.turnOf(turnId), { leaseMs: 1000, adoption });
    const { signal } = new AbortController();
    const verdict = await goOn(deps, open!, { signal, attempt: 1, isLast: false });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    const step = verdict.state === 'tools' ? verdict.step : -1;
    expect(await beginNextEarly(deps, { ...open!.attempt, step })).toEqual({ open: [] });
    expect(harness.provider.log()).toHaveLength(2);
    expect(effects()).toHaveLength(1);
  });
});

describe('an early answer that fails', () => {
  test('R36: is tried again after its pause, by an activity elsewhere', async () => {
    const chat = await conversationWith('fake?tokens=5');
    harness.provider.control({ script: [{ on: 'chat', failure: { kind: 'status', status: 500 } }] });
    const turnId = await chat.accept('What lasts?');
    elsewhere.hear(chat.news(turnId));
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    const [refused, answered, ...more] = harness.provider.log();
    expect(more).toEqual([]);
    expect(answered!.startedAt - refused!.startedAt).toBeGreaterThanOrEqual(450);
  });

  test('R36: is not asked again where the request is at fault', async () => {
    const chat = await conversationWith('fake?tokens=5');
    harness.provider.control({ script: [{ on: 'chat', times: 5, failure: { kind: 'status', status: 400 } }] });
    const turnId = await chat.accept('What lasts?');
    elsewhere.hear(chat.news(turnId));
    await until(async () => harness.provider.log().some(({ outcome }) => outcome === 'failed'), {
      what: 'the refusal',
    });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({
      state: 'failed',
      error: { code: 'provider_invalid_request' },
    });
    expect(harness.provider.log()).toHaveLength(1);
  });
});

/** Lets the sweep look, as it does every few seconds, until something has come of it. */
const swept = (probe: () => Promise<boolean>) =>
  until(
    async () => {
      await createSweepTurns({ database: harness.database, ...createWorkStarter(harness.client) })();
      return probe();
    },
    { what: 'what the sweep brings about', everyMs: 500 },
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
    expect(harness.provider.log()).toHaveLength(1);
  });

  test('is brought to it by the sweep when its tools are to be run', async () => {
    const chat = await conversationWith('fake?tokens=5&tool=note');
    const turnId = await chat.accept('Note it');
    elsewhere.hear(chat.news(turnId));
    await chat.callIn(turnId, 'note', 'proposed', 'approved');
    await swept(async () => (await chat.turn(turnId)).state === 'completed');
    expect((await chat.turn(turnId)).attempt).toBe(1);
    expect(harness.provider.log()).toHaveLength(2);
    expect(effects()).toHaveLength(1);
  });
});
