import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { turnEventSchema } from '../../contracts/turn-event.ts';
import { query } from '../../entities/sql.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { startEffectService, type EffectService } from '../support/effect-service/start-effect-service.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';
import { startConversationWorker, type ConversationWorker } from '../support/workspaces/conversation-worker.ts';

jest.setTimeout(120_000);
const api = testApi();
let provider: FakeProvider;
let service: EffectService;
let worker: ConversationWorker;

beforeAll(async () => {
  provider = await startFakeProvider();
  service = await startEffectService();
  const tools = [
    effectTool({ name: 'stock', url: `${service.url}/stock`, effect: 'read' }),
    effectTool({ name: 'pay', url: `${service.url}/pay`, effect: 'write', approval: { mode: 'always' } }),
  ];
  worker = await startConversationWorker(api.database, api.temporal, { tools: offerTools(tools) });
  await api.database.inWorkspace(api.tenant.workspaceId, (em) =>
    query(
      em,
      `update models set provider = 'openai', model_id = 'fake?tokens=5', endpoint = $1,
              capabilities = '{"supportsTools": true}',
              pricing = '{"input_per_million": "1", "output_per_million": "2", "currency": "USD"}'
       where kind = 'chat'`,
      [provider.url],
    ),
  );
});
afterEach(() => provider.control({ reset: true }));
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
  await service?.stop();
});

async function send(content: string, user = 'ada') {
  const { json } = await api.call('POST', '/conversations', { body: { user } });
  const sent = await api.call('POST', `/conversations/${json.id}/messages`, { body: { content } });
  expect(sent.status).toBe(202);
  return { conversationId: json.id as string, turnId: sent.json.turn.id as string };
}

const ended = (turnId: string) =>
  until(async () => (await api.call('GET', `/turns/${turnId}`)).json.completed_at !== null, {
    what: `the end of turn ${turnId}`,
  });
const auditOf = async (turnId: string) => (await api.call('GET', `/turns/${turnId}/audit`)).json;

describe('the audit of a turn', () => {
  test('shows prompts, calls with their approver, tokens and cost, in order', async () => {
    provider.control({
      script: [
        {
          answer: 'Let me see.',
          toolCalls: [
            { name: 'stock', arguments: { note: 'tea' } },
            { name: 'pay', arguments: { note: '3 francs' } },
          ],
        },
      ],
    });
    const { turnId, conversationId } = await send('Buy tea');
    const waiting = await until(
      async () =>
        (await api.call('GET', `/approvals?conversation=${conversationId}`)).json.data[0] as { tool_call: any }, // oxlint-disable-line typescript/no-explicit-any -- tests assert on whatever came
      { what: 'the approval' },
    );
    await until(async () => (await api.call('GET', `/turns/${turnId}`)).json.state === 'waiting', {
      what: 'the turn to wait',
    });
    const { id, arguments_hash } = waiting.tool_call;
    const approved = await api.call('POST', `/tool-calls/${id}/approve`, {
      body: { arguments_hash, comment: 'not more' },
      headers: { 'x-perdure-user': 'ada' },
    });
    expect(approved.json).toMatchObject({ id, approval: { state: 'approved' } });
    expect((await api.call('GET', '/approvals?state=waiting')).json.data).toEqual([]);
    await ended(turnId);

    const audit = await auditOf(turnId);
    expect(audit.turn).toMatchObject({ id: turnId, state: 'completed', kind: 'message', attempt: 1 });
    expect(audit.turn.waited_seconds).toBeGreaterThan(0);
    expect(audit.question.content).toBe('Buy tea');
    expect(audit.answer.content).toMatch(/^Let me see\./);
    expect(audit.versions.agent).toMatchObject({ name: 'assistant', version: 1 });
    expect(audit.steps.map((step: { kind: string }) => step.kind)).toEqual(['model', 'model']);
    const [first, second] = audit.steps;
    expect(first.prompt).toMatchObject({ is_exact: true });
    expect(first.prompt.messages.at(-1)).toEqual({ role: 'user', content: 'Buy tea' });
    expect(first.request).toMatchObject({
      model: 'extractive',
      tools: [{ name: 'stock' }, { name: 'pay', version: 1 }],
    });
    expect(first.tool_calls).toMatchObject([
      { tool: { name: 'stock' }, state: 'succeeded', arguments: { note: 'tea' }, approval: null },
      {
        tool: { name: 'pay' },
        state: 'succeeded',
        arguments: { note: '3 francs' },
        approval: {
          state: 'approved',
          decided_by: 'ada',
          changed_arguments: null,
          comment: 'not more',
        },
      },
    ]);
    expect(second.prompt.is_exact).toBe(true);
    expect(second.prompt.messages.map(({ role }: { role: string }) => role).slice(-3)).toEqual([
      'assistant',
      'tool',
      'tool',
    ]);
    expect(audit.totals).toMatchObject({ calls: 2, unknown_calls: 0, costs: [{ currency: 'USD' }] });
    const logged = provider.log().filter(({ kind }) => kind === 'chat');
    expect(audit.totals.total_tokens).toBe(
      logged.reduce((sum, call) => sum + call.promptTokens + call.completionTokens, 0),
    );
    expect(audit.temporal).toMatchObject({
      namespace: api.temporal.namespace,
      workflow_id: `conversation/${conversationId}`,
      url: null,
    });
    expect(audit.temporal.run_id).toMatch(/^[0-9a-f-]{36}$/);
    const streamed = await (await openEvents(api, `/turns/${turnId}/events`)).ended;
    for (const { id: seq, event, data } of streamed) turnEventSchema.parse({ id: Number(seq), event, data });
    const events = audit.events.map(({ event }: { event: string }) => event);
    expect(events[0]).toBe('turn_started');
    expect(events.at(-1)).toBe('done');
    expect(events).toContain('approval_decided');
  });

  test('R27: shows each attempt that was broken off as an unknown row of its own', async () => {
    provider.control({ script: [{ failure: { kind: 'reset', afterTokens: 2 } }] });
    const { turnId } = await send('Say it again');
    await ended(turnId);
    const audit = await auditOf(turnId);
    expect(audit.interruptions).toMatchObject([{ attempt: 2, step: 0 }]);
    expect(audit.steps[0].usage).toMatchObject([
      { attempt: 1, state: 'unknown', total_tokens: null, cost: null },
      { attempt: 2, state: 'settled' },
    ]);
    expect(audit.totals).toMatchObject({ calls: 2, unknown_calls: 1 });
    expect(audit.totals.total_tokens).toBe(audit.steps[0].usage[1].total_tokens);
  });

  test('is hidden from another end user', async () => {
    const { turnId } = await send('Secret', 'grace');
    expectProblem(
      await api.call('GET', `/turns/${turnId}/audit`, { headers: { 'x-perdure-user': 'ada' } }),
      'not_found',
    );
  });
});
