import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { seePrompts } from '../../activities/conversation/prompt/see-prompts.ts';
import { turnsChannel } from '../../contracts/names/limits.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { readPromptReferences } from '../../entities/conversations/prompt-reference-repository.ts';
import { readTurnEvents } from '../../entities/conversations/turn-event-repository.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { testApi } from '../support/api/test-api.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const api = testApi();
let provider: FakeProvider;
let service: EffectService;
let worker: ConversationWorker;

beforeAll(async () => {
  provider = await startFakeProvider();
  service = await startEffectService();
  worker = await startConversationWorker(api.database, api.temporal, {
    tools: offerTools([
      effectTool({ name: 'pay', url: `${service.url}/pay`, effect: 'write', approval: { mode: 'always' } }),
      effectTool({ name: 'order', url: `${service.url}/order`, effect: 'write' }),
    ]),
  });
});
afterEach(() => provider.control({ reset: true }));
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
  await service?.stop();
});

let made = 0;

async function converse(model = 'fake?tokens=5', agent: Record<string, unknown> = {}) {
  made += 1;
  const name = `model ${made}`;
  await api.call('POST', '/models', {
    body: {
      ...{ name, kind: 'chat', provider: 'openai', model_id: model, endpoint: provider.url },
      capabilities: { supportsTools: true },
    },
  });
  await api.call('POST', '/agents', { body: { name: `agent ${made}`, model: name, ...agent } });
  const { json } = await api.call('POST', '/conversations', { body: { agent: `agent ${made}` } });
  const conversation = `/conversations/${json.id}`;
  const post = async (path: string, body: unknown = {}) => {
    const answer = await api.call('POST', path, { body });
    return { status: answer.status, ...answer.json };
  };
  const ended = (turn: { id: string }) =>
    until(
      async () => {
        const { json: now } = await api.call('GET', `/turns/${turn.id}`);
        return now.completed_at === null ? null : now;
      },
      { what: 'the end of the turn', timeoutMs: 30_000 },
    );
  return {
    post,
    ended,
    async say(content: string, more: Record<string, unknown> = {}) {
      return post(`${conversation}/messages`, { content, ...more });
    },
    async said(content: string) {
      const { turn } = await post(`${conversation}/messages`, { content });
      return ended(turn);
    },
    async texts(branch: 'all' | 'active'): Promise<string[]> {
      const { json: page } = await api.call('GET', `${conversation}/messages?branch=${branch}`);
      return page.data.map((message: { content: string }) => message.content);
    },
    show: (messageId: string) => api.call('PATCH', conversation, { body: { active_message_id: messageId } }),
    read: async () => (await api.call('GET', conversation)).json,
  };
}

describe('branches of a conversation', () => {
  test('an answer is regenerated beside the old one, and either can be shown', async () => {
    const chat = await converse();
    provider.control({ script: [{ answer: 'Red.' }, { answer: 'Blue.' }, { answer: 'Because.' }] });
    const first = await chat.said('Which colour?');
    const again = await chat.post(`/messages/${first.answer.id}/regenerate`);
    expect(again).toMatchObject({ status: 202, turn: { kind: 'regenerate', replaces_turn_id: first.id } });
    await chat.ended(again.turn);
    expect(await chat.texts('active')).toEqual(['Which colour?', 'Blue.']);
    expect(await chat.texts('all')).toEqual(['Which colour?', 'Red.', 'Blue.']);
    expect(await chat.read()).toMatchObject({ has_branches: true });

    expect((await chat.show(first.answer.id)).status).toBe(200);
    const why = await chat.said('Why?');
    expect(await chat.texts('active')).toEqual(['Which colour?', 'Red.', 'Why?', 'Because.']);
    expect(why.answer.parent_id).toBe(why.user_message_id);
    // The model knows the branch that was shown, and nothing of the other.
    const asked = await api.database.inWorkspace(api.tenant.workspaceId, (em) => readPromptReferences(em, why.id));
    const prompt = JSON.stringify([...seePrompts(asked).values()]);
    expect(prompt).toContain('Red.');
    expect(prompt).not.toContain('Blue.');
  });

  test("a user's message is edited into a branch of its own; showing the old one shows what came after it", async () => {
    const chat = await converse();
    provider.control({ script: [{ answer: 'A1' }, { answer: 'A2' }, { answer: 'B1' }] });
    const first = await chat.said('one');
    const second = await chat.said('two');
    const edited = await chat.post(`/messages/${first.user_message_id}/edit`, { content: 'uno' });
    expect(edited).toMatchObject({ status: 202, turn: { kind: 'edit' }, message: { content: 'uno', parent_id: null } });
    await chat.ended(edited.turn);
    expect(await chat.texts('active')).toEqual(['uno', 'B1']);
    await chat.show(first.answer.id);
    expect(await chat.texts('active')).toEqual(['one', 'A1', 'two', 'A2']);
    expect((await chat.read()).active_message_id).toBe(second.answer.id);
    expect((await chat.post(`/messages/${first.answer.id}/edit`, { content: 'no' })).status).toBe(400);
  });

  test('a failed turn is tried again, and one that has an answer is not', async () => {
    const chat = await converse();
    provider.control({ script: [{ failure: { kind: 'status', status: 401 } }, { answer: 'Now.' }] });
    const failed = await chat.said('Try');
    expect(failed.state).toBe('failed');
    const retried = await chat.post(`/turns/${failed.id}/retry`);
    expect(retried).toMatchObject({ status: 202, turn: { kind: 'retry', user_message_id: failed.user_message_id } });
    expect(await chat.ended(retried.turn)).toMatchObject({ state: 'completed', answer: { content: 'Now.' } });
    expect((await chat.post(`/turns/${retried.turn.id}/retry`)).status).toBe(409);
    expect(await chat.texts('active')).toEqual(['Try', 'Now.']);
  });

  test('a write that was made for an answer that never came is told to whoever answers next, and to nobody after that', async () => {
    const chat = await converse();
    const order = { toolCalls: [{ name: 'order', arguments: { note: 'tea' } }] };
    const refused = { failure: { kind: 'status' as const, status: 401 } };
    provider.control({ script: [order, refused, { answer: 'It is ordered.' }, refused, { answer: 'And still is.' }] });
    const systemOf = async ({ id }: { id: string }) => {
      const { json } = await api.call('GET', `/turns/${id}/audit`);
      const { prompt } = json.steps.findLast(({ kind }: { kind: string }) => kind === 'model');
      expect(prompt.is_exact).toBe(true);
      return String(prompt.messages[0].content);
    };
    const told = /Tools have already done [^]*<result tool="order">\nCalled with \{"note":"tea"\}\.\n\{"receipt":/;
    const failed = await chat.said('Order tea');
    expect(failed.state).toBe('failed');
    const retried = await chat.ended((await chat.post(`/turns/${failed.id}/retry`)).turn);
    expect(retried).toMatchObject({ state: 'completed', answer: { content: 'It is ordered.' } });
    expect(await systemOf(retried)).toMatch(told);
    const next = await chat.said('Thank you');
    expect(await systemOf(next)).not.toMatch(told);
    const again = await chat.ended((await chat.post(`/messages/${retried.answer.id}/regenerate`)).turn);
    expect(again).toMatchObject({ state: 'completed', answer: { content: 'And still is.' } });
    expect(await systemOf(again)).toMatch(told);

    provider.control({ reset: true, script: [order, refused, { answer: 'Yes.' }] });
    expect((await chat.said('Order more')).state).toBe('failed');
    expect(await systemOf(await chat.said('Did you?'))).toMatch(told);
    expect(service.log().filter(({ path }) => path === '/order')).toHaveLength(2);
  });
});

describe('a message to a conversation that is at work', () => {
  const slow = 'fake?tokens=2000&tokenMs=10';

  test('waits, is refused, or takes the place of the work, as the agent or the request says', async () => {
    const chat = await converse(slow, { on_busy: 'refuse' });
    const running = await chat.say('first');
    expect(await chat.say('second')).toMatchObject({ status: 409, code: 'conversation_busy' });
    const queued = await chat.say('third', { on_busy: 'queue' });
    expect(queued.status).toBe(202);
    await until(async () => provider.log().length > 0, { what: 'the first call' });
    provider.control({ script: [{ answer: 'At once.' }] });
    const asked = Date.now();
    const instead = await chat.say('fourth', { on_busy: 'replace' });
    expect(instead.status).toBe(202);
    expect(await chat.ended(running.turn)).toMatchObject({ state: 'cancelled' });
    expect(await chat.ended(queued.turn)).toMatchObject({ state: 'cancelled', answer: null });
    expect(Date.now() - asked).toBeLessThan(2000);
    expect(await chat.ended(instead.turn)).toMatchObject({ state: 'completed', answer: { content: 'At once.' } });
    expect((await chat.post(`/messages/${instead.message.id}/edit`, { content: 'fifth' })).status).toBe(202);
    await until(async () => provider.log().length === 3, { what: 'its call' });
  });
});

describe('a message that takes the place of many', () => {
  test('does not wait for those that wait: they have ended when it is accepted, and are told so', async () => {
    const chat = await converse('fake?tokens=2000&tokenMs=10');
    const { turn: running } = await chat.say('first');
    const waiting: Array<{ id: string }> = [];
    for (let place = 0; place < 25; place += 1) waiting.push((await chat.say(`wait ${place}`)).turn);
    await until(async () => provider.log().length > 0, { what: 'the first call' });
    provider.control({ script: [{ answer: 'At once.' }] });
    const { turn: instead } = await chat.say('Stop, this', { on_busy: 'replace' });
    for (const { id } of waiting)
      expect((await api.call('GET', `/turns/${id}`)).json).toMatchObject({ state: 'cancelled', answer: null });
    expect(await chat.ended(instead)).toMatchObject({ state: 'completed', answer: { content: 'At once.' } });
    expect(await chat.ended(running)).toMatchObject({ state: 'cancelled', answer: { metadata: { cancelled: true } } });
    const last = waiting.at(-1)!.id;
    const { workspaceId } = api.tenant;
    const told = await api.database.asOperator((em) =>
      readTurnEvents(em, [{ workspaceId, turnId: last, after: 0 }], 10),
    );
    expect(told.map(({ event }) => [event.seq, event.kind])).toEqual([[1, 'cancelled']]);

    // The workflow never asked about any of them.
    const handle = api.deps.temporal.workflow.getHandle(workflowIds.conversation(running.conversation_id));
    const { events = [] } = await handle.fetchHistory();
    const begun = (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes);
    expect(begun.length).toBeLessThan(waiting.length);
  });
});

describe('who watches a conversation', () => {
  test('is woken for a message that waits, and for a question that waits to be answered again', async () => {
    const heard: string[] = [];
    const forget = api.deps.notifications.subscribe(turnsChannel, (turnId) => heard.push(turnId ?? ''));
    const chat = await converse('fake?tokens=2000&tokenMs=10');
    await chat.say('first');
    const { turn: queued } = await chat.say('second', { on_busy: 'queue' });
    // This worker wakes nobody: what is heard comes from the API.
    await until(async () => heard.includes(queued.id), { what: 'word of the message that waits' });
    await until(async () => provider.log().length > 0, { what: 'the first call' });
    provider.control({ script: [{ answer: 'One.' }] });
    const { turn: instead } = await chat.say('third', { on_busy: 'replace' });
    const { answer } = await chat.ended(instead);
    const calls = provider.log().length;
    const { turn: busy } = await chat.say('fourth');
    await until(async () => provider.log().length > calls, { what: 'the call before' });
    provider.control({ script: [{ answer: 'Two.' }] });
    const { turn: again } = await chat.post(`/messages/${answer.id}/regenerate`);
    await until(async () => heard.includes(again.id), { what: 'word of the second answer' });
    await chat.post(`/turns/${busy.id}/cancel`);
    expect(await chat.ended(again)).toMatchObject({ state: 'completed', answer: { content: 'Two.' } });
    forget();
  });
});

describe('an approval over HTTP', () => {
  async function waitingCall() {
    const chat = await converse();
    provider.control({ script: [{ toolCalls: [{ name: 'pay', arguments: { note: 'rent' } }] }] });
    const { turn } = await chat.say('Pay the rent');
    const call = await until(
      async () => (await api.call('GET', `/tool-calls?turn=${turn.id}&state=proposed`)).json.data[0] ?? null,
      { what: 'the call' },
    );
    return { chat, turn, call };
  }

  test('is given with the hash of the arguments that were shown, by whom is kept, and the turn goes on', async () => {
    const { chat, turn, call } = await waitingCall();
    expect(call).toMatchObject({
      tool: { name: 'pay' },
      effect: 'write',
      arguments: { note: 'rent' },
      approval: { state: 'waiting', arguments_hash: call.arguments_hash },
    });
    const wrong = await chat.post(`/tool-calls/${call.id}/approve`, { arguments_hash: '0'.repeat(64) });
    expect(wrong).toMatchObject({ status: 409, code: 'conflict' });
    const given = await chat.post(`/tool-calls/${call.id}/approve`, {
      arguments_hash: call.arguments_hash,
      comment: 'Fine',
    });
    expect(given).toMatchObject({ approval: { state: 'approved', comment: 'Fine' } });
    expect(given.approval.decided_by).toMatch(/^key:/);
    const twice = await chat.post(`/tool-calls/${call.id}/approve`, { arguments_hash: call.arguments_hash });
    expect(twice.status).toBe(200);
    const denied = await chat.post(`/tool-calls/${call.id}/deny`, { arguments_hash: call.arguments_hash });
    expect(denied.status).toBe(409);
    expect(await chat.ended(turn)).toMatchObject({ state: 'completed' });
    expect((await api.call('GET', `/tool-calls/${call.id}`)).json).toMatchObject({ state: 'succeeded', attempts: 1 });
    const settled = await chat.post(`/tool-calls/${call.id}/settle`, { outcome: 'run_again' });
    expect(settled.status).toBe(409);
    expect(service.log().filter(({ idempotencyKey }) => idempotencyKey === call.id)).toHaveLength(1);
  });

  test('of another end user is not there', async () => {
    const { call } = await waitingCall();
    const other = { 'x-perdure-user': 'somebody-else' };
    expect((await api.call('GET', `/tool-calls/${call.id}`, { headers: other })).status).toBe(404);
    const tried = await api.call('POST', `/tool-calls/${call.id}/approve`, {
      headers: other,
      body: { arguments_hash: call.arguments_hash },
    });
    expect(tried.status).toBe(404);
  });
});
