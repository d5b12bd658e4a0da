import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection } from '@temporalio/client';
import { toolCallIdOf } from '../../activities/conversation/call-id.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { crashingDatabase, noteInputs, type CrashMoment } from '../support/workspaces/crashing-database.ts';
import { createConversation, createWorkspace } from '../support/workspaces/create-workspace.ts';
import { shownText, turnClient, type CallRow } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const rows = testDatabase();
const temporal = testTemporal();
let database: Database;
let provider: FakeProvider;
let service: EffectService;
let connection: Connection;
let client: Client;
let worker: ConversationWorker;
/** Where the worker dies next, by turn; each crash happens once. */
const crashes = new Map<string, (moment: CrashMoment) => boolean>();

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 20 }, 'test');
  provider = await startFakeProvider();
  service = await startEffectService();
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  const to = (path: string) => `${service.url}${path}`;
  const tools = offerTools([
    effectTool({ name: 'stock', url: to('/stock'), effect: 'read' }),
    effectTool({ name: 'book', url: to('/repeatable/book'), effect: 'write', idempotent: true }),
    effectTool({ name: 'pay', url: to('/pay'), effect: 'write', approval: { mode: 'always' } }),
  ]);
  const mortal = crashingDatabase(database, (moment) => {
    const turnId = moment.input.turnId ?? '';
    if (!crashes.get(turnId)?.(moment)) return false;
    crashes.delete(turnId);
    return true;
  });
  worker = await startConversationWorker(mortal, temporal, { tools, around: noteInputs });
});
afterAll(async () => {
  await worker?.stop();
  await connection?.close();
  await provider?.stop();
  await service?.stop();
  await database?.close();
});

type Story = {
  point: string;
  /** The tool whose run dies; null for a run of the model's step. */
  tool: string | null;
  crash: (moment: CrashMoment) => boolean;
  /** Whether a step that had begun is begun again. */
  reset: boolean;
};

const model = (transaction: number, when: CrashMoment['when'], occurrence = 1) => {
  let seen = 0;
  return (moment: CrashMoment) =>
    moment.activity === 'generateAnswer' &&
    moment.transaction === transaction &&
    moment.when === when &&
    ++seen === occurrence;
};
const tool = (transaction: number, when: CrashMoment['when']) => (moment: CrashMoment) =>
  moment.activity === 'runTool' && moment.transaction === transaction && moment.when === when;

const stories: Story[] = [
  { point: 'before the turn is taken over', tool: null, crash: model(1, 'before'), reset: false },
  { point: 'before the first call of the model', tool: null, crash: model(1, 'after'), reset: true },
  { point: 'before the calls are committed', tool: null, crash: model(2, 'before'), reset: true },
  { point: 'after the calls are committed', tool: null, crash: model(2, 'after'), reset: false },
  ...['stock', 'book', 'pay'].flatMap((name): Story[] => [
    { point: `before ${name} is claimed`, tool: name, crash: tool(1, 'before'), reset: false },
    { point: `before ${name} has its effect`, tool: name, crash: tool(1, 'after'), reset: false },
    { point: `after ${name} had its effect`, tool: name, crash: tool(2, 'before'), reset: false },
    { point: `after ${name} is recorded`, tool: name, crash: tool(2, 'after'), reset: false },
  ]),
  { point: 'before the second call of the model', tool: null, crash: model(1, 'after', 2), reset: true },
  { point: 'before the answer is committed', tool: null, crash: model(2, 'before', 2), reset: true },
  { point: 'after the answer is committed', tool: null, crash: model(2, 'after', 2), reset: false },
];

async function play(story: Story) {
  const workspace = await createWorkspace(database, {
    endpoint: provider.url,
    model: 'fake?tokens=5&tool=stock,book,pay',
  });
  await database.inWorkspace(workspace.workspaceId, (em) =>
    query(em, `update models set capabilities = '{"supportsTools": true}' where id = $1`, [workspace.modelId]),
  );
  const chat = turnClient(database, client, workspace, await createConversation(database, workspace));
  const turnId = await chat.accept(story.point);
  let crashed = 0;
  // Ids of calls are known before the calls are: by turn, step and position.
  const callId = story.tool === null ? null : toolCallIdOf(turnId, 0, ['stock', 'book', 'pay'].indexOf(story.tool));
  crashes.set(turnId, (moment) => {
    if ((callId !== null && moment.input.callId !== callId) || !story.crash(moment)) return false;
    crashed += 1;
    return true;
  });
  await chat.submit(turnId);
  const waiting = await chat.callIn(turnId, 'pay', 'proposed');
  await chat.decide(turnId, waiting, 'approved');
  // A person who finds out what happened settles what the machine must not decide.
  const paid = await chat.callIn(turnId, 'pay', 'succeeded', 'needs_review');
  if (paid.state === 'needs_review')
    await chat.settle(turnId, paid.id, effectsOf(paid) > 0 ? 'succeeded' : 'run_again', 'Found in the books.');
  const turn = await chat.ended(turnId, 60_000);
  return { chat, turnId, turn, crashed, reviewed: paid.state === 'needs_review' };
}

const effectsOf = (call: Pick<CallRow, 'id'>) =>
  service.log().filter(({ idempotencyKey, applied }) => idempotencyKey === call.id && applied).length;

describe('R17: a turn with three tools, of which one waits for approval, when the worker dies', () => {
  const plays = new Map<string, ReturnType<typeof play>>();
  beforeAll(async () => {
    for (const story of stories) plays.set(story.point, play(story));
    await Promise.allSettled(plays.values());
  });

  test.each(stories)('$point: each effect happens once, and the text shown is the text stored', async (story) => {
    const { chat, turnId, turn, crashed, reviewed } = await plays.get(story.point)!;
    expect(crashed).toBe(1);
    expect(turn).toMatchObject({ state: 'completed', error: null });
    const calls = await chat.calls(turnId);
    expect(calls.map(({ tool_name, state }) => [tool_name, state])).toEqual([
      ['stock', 'succeeded'],
      ['book', 'succeeded'],
      ['pay', 'succeeded'],
    ]);
    expect(calls.map((call) => effectsOf(call))).toEqual([0, 1, 1]);
    // Only a write that may not be repeated, and that was interrupted between claim and record, needs a person.
    expect(reviewed).toBe(story.tool === 'pay' && /effect/.test(story.point));
    const events = await chat.events(turnId);
    expect(events.filter(({ kind }) => kind === 'reset')).toHaveLength(story.reset ? 1 : 0);
    const answers = (await chat.messages()).filter(({ sender }) => sender === 'assistant');
    expect(answers.map(({ content }) => content)).toEqual([shownText(events)]);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, place) => place + 1));

    const log = new Map(provider.log().map((call) => [call.idempotencyKey, call]));
    const usage = await chat.usage(turnId);
    // A worker that died before its call leaves a row of which the provider knows nothing.
    if (!story.point.endsWith('call of the model')) expect(usage.every(({ id }) => log.has(id))).toBe(true);
    for (const { id, state, total_tokens } of usage) {
      const call = log.get(id);
      if (state === 'settled') expect(total_tokens).toBe((call?.promptTokens ?? 0) + (call?.completionTokens ?? 0));
      else expect([state, total_tokens]).toEqual(['unknown', null]);
    }
    expect(usage.filter(({ state }) => state === 'settled')).toHaveLength(2);
  });
});
