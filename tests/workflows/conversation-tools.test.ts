import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import { seePrompts } from '../../activities/conversation/prompt/see-prompts.ts';
import { readPromptReferences } from '../../entities/conversations/prompt-reference-repository.ts';
import { effectTool, offerTools } from '../support/effect-service/effect-tool.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';
import { shownText } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const large = 'x'.repeat(3_000_000);
const harness = conversationHarness({
  tools: ({ url }) =>
    offerTools([
      effectTool({ name: 'stock', url: `${url}/stock`, effect: 'read' }),
      effectTool({ name: 'book', url: `${url}/repeatable/book`, effect: 'write', idempotent: true }),
      effectTool({ name: 'pay', url: `${url}/pay`, effect: 'write', approval: { mode: 'always' } }),
      effectTool({ name: 'mail', url: `${url}/mail`, effect: 'write' }),
      effectTool({
        name: 'dump',
        url: `${url}/dump`,
        effect: 'read',
        result: () => ({ content: large, isError: false, truncated: false, bytes: large.length }),
      }),
    ]),
});

const conversationWith = (model = 'fake?tokens=5') => harness.open({ model, capabilities: { supportsTools: true } });

const call = (name: string, note = name) => ({ name, arguments: { note } });
const effects = (path: string) => harness.service.log().filter((one) => one.path.endsWith(path) && one.applied).length;

describe('a turn with tools', () => {
  test('R17: runs three tools at once, waits for the approval of one, and answers with their results', async () => {
    const chat = await conversationWith();
    harness.provider.control({
      script: [{ answer: 'Let me see.', toolCalls: [call('stock'), call('book'), call('pay')] }],
    });
    const turnId = await chat.send('Buy it');
    const waiting = await chat.callIn(turnId, 'pay', 'proposed');
    await until(async () => (await chat.turn(turnId)).state === 'waiting', { what: 'the turn to wait' });
    expect((await chat.calls(turnId)).map(({ tool_name, state }) => [tool_name, state])).toEqual([
      ['stock', 'succeeded'],
      ['book', 'succeeded'],
      ['pay', 'proposed'],
    ]);
    expect(effects('/pay')).toBe(0);
    expect(await chat.decide(turnId, waiting, 'approved')).toBe('taken');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });

    expect([effects('/book'), effects('/pay')]).toEqual([1, 1]);
    const calls = await chat.calls(turnId);
    expect(calls.map(({ state, attempts }) => [state, attempts])).toEqual(Array(3).fill(['succeeded', 1]));
    expect(harness.service.log().map((one) => one.idempotencyKey)).toEqual(
      expect.arrayContaining(calls.map(({ id }) => id)),
    );
    const events = await chat.events(turnId);
    const answer = (await chat.messages()).at(-1)?.content;
    expect(answer).toBe(shownText(events));
    expect(answer).toMatch(/^Let me see\.\n\n\S/);
    const kinds = events.map(({ kind }) => kind).filter((kind) => kind !== 'text_delta');
    expect(kinds.slice(0, 3)).toEqual(['turn_started', 'step_started', 'usage']);
    expect(kinds.filter((kind) => kind === 'tool_call_result')).toHaveLength(3);
    expect(kinds.filter((kind) => kind.startsWith('approval'))).toEqual(['approval_required', 'approval_decided']);
    expect(kinds.slice(-3)).toEqual(['step_started', 'usage', 'done']);
    expect(await chat.promptOf(turnId, 1)).toMatch(/receipt/);
  });

  test('knows what tools gave in the turns before, beside what was said, and stores that as references', async () => {
    const chat = await conversationWith();
    harness.provider.control({
      script: [{ answer: 'Let me see.', toolCalls: [call('stock', 'shoes'), call('stock', 'hats')] }],
    });
    const first = await chat.send('What is there?');
    expect(await chat.ended(first)).toMatchObject({ state: 'completed' });
    const second = await chat.send('And how many of them?');
    expect(await chat.ended(second)).toMatchObject({ state: 'completed' });
    const [shoes] = await chat.calls(first);
    expect(shoes!.result).toMatch(/\w/);
    const references = await harness.database.asOperator((em) => readPromptReferences(em, second));
    const prompt = seePrompts(references).get(0)!;
    expect(prompt.map(({ role }) => role)).toEqual([
      ...['system', 'user', 'assistant', 'tool', 'tool', 'assistant', 'user'],
    ]);
    expect(prompt[2]).toMatchObject({ content: '', toolCalls: [{ name: 'stock' }, { name: 'stock' }] });
    expect(prompt[3]!.content).toContain(shoes!.result);
    expect(prompt[5]!.content).toMatch(/^Let me see\.\n\n\S/);
    const request = references.requests.get(0)!;
    expect(request['prompt_hash']).toBe(createHash('sha256').update(JSON.stringify(prompt)).digest('hex'));
    expect(JSON.stringify(request)).not.toContain('Let me see');
  });
});

describe('a call that takes long', () => {
  test('R16: of the model or of a tool, it is started once as long as its worker lives', async () => {
    const chat = await conversationWith();
    // Both are silent for longer than a worker that has died is waited for.
    harness.service.delayAnswers(6000);
    harness.provider.control({
      script: [{ toolCalls: [call('mail'), call('stock')] }, { answer: 'Done.', firstTokenMs: 6000 }],
    });
    const before = harness.service.log().length;
    const turnId = await chat.send('Take your time');
    expect(await chat.ended(turnId, 30_000)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(harness.service.log().length - before).toBe(2);
    expect((await chat.calls(turnId)).map(({ state, attempts }) => [state, attempts])).toEqual([
      ['succeeded', 1],
      ['succeeded', 1],
    ]);
    expect(harness.provider.log()).toHaveLength(2);
  });
});

describe('a call that cannot be run', () => {
  test('goes back to the model with the reason: no such tool, arguments that do not fit', async () => {
    const chat = await conversationWith();
    harness.provider.control({
      script: [{ toolCalls: [call('teleport'), { name: 'stock', arguments: { notes: 1 } }] }, { answer: 'I see.' }],
    });
    const turnId = await chat.send('Beam me up');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    const calls = await chat.calls(turnId);
    expect(calls.map(({ state, code, attempts }) => [state, code, attempts])).toEqual([
      ['invalid', 'unknown_tool', 0],
      ['invalid', 'invalid_arguments', 0],
    ]);
    const asked = await chat.promptOf(turnId, 1);
    expect(asked).toContain('There is no tool \\"teleport\\"');
    expect(asked).toContain('note');
  });

  test('R35: a result of 3 MB ends the call once, in less than 2 s, and the model reads payload_too_large', async () => {
    const chat = await conversationWith();
    harness.provider.control({ script: [{ toolCalls: [call('dump')] }] });
    const started = Date.now();
    const turnId = await chat.send('Everything');
    const dumped = await chat.callIn(turnId, 'dump', 'failed');
    expect(Date.now() - started).toBeLessThan(2000);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    expect(dumped).toMatchObject({ attempts: 1, code: 'payload_too_large' });
    expect(harness.service.log().filter((one) => one.path === '/dump')).toHaveLength(1);
    expect(await chat.promptOf(turnId, 1)).toContain('payload_too_large');
  });
});

describe('an approval', () => {
  const twoPayments = { toolCalls: [call('pay', 'first'), call('pay', 'second')] };

  async function twoWaiting() {
    const chat = await conversationWith();
    harness.provider.control({ script: [twoPayments] });
    const turnId = await chat.send('Pay twice');
    const calls = await until(
      async () => {
        const found = await chat.calls(turnId);
        return found.length === 2 ? found : null;
      },
      { what: 'both calls' },
    );
    const before = harness.service.log().length;
    return { chat, turnId, first: calls[0]!, second: calls[1]!, paid: () => harness.service.log().slice(before) };
  }

  test('R18: two at a time are independent; twice is once; another decision is refused', async () => {
    const { chat, turnId, first, second, paid } = await twoWaiting();
    const both = [chat.decide(turnId, first, 'approved'), chat.decide(turnId, first, 'approved')];
    expect((await Promise.all(both)).sort()).toEqual(['repeated', 'taken']);
    expect(await chat.decide(turnId, first, 'denied')).toBe('refused');
    await chat.callIn(turnId, 'pay', 'succeeded');
    expect((await chat.turn(turnId)).state).toBe('waiting');
    expect(await chat.decide(turnId, second, 'denied', { comment: 'Too dear' })).toBe('taken');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    expect(paid().map((one) => one.body)).toEqual(['{"note":"first"}']);
    expect((await chat.calls(turnId)).map(({ state, approval }) => [state, approval])).toEqual([
      ['succeeded', 'approved'],
      ['denied', 'denied'],
    ]);
    expect(await chat.promptOf(turnId, 1)).toContain('Too dear');
  });

  test('is bound to the arguments that were shown, and may change them', async () => {
    const { chat, turnId, first, second, paid } = await twoWaiting();
    expect(await chat.decide(turnId, { ...first, arguments_hash: second.arguments_hash }, 'approved')).toBe('refused');
    expect(await chat.decide(turnId, first, 'approved', { changed: { note: 'less' } })).toBe('taken');
    await chat.decide(turnId, second, 'denied');
    await chat.ended(turnId);
    expect(paid().map((one) => one.body)).toEqual(['{"note":"less"}']);
    expect(await chat.promptOf(turnId, 1)).toMatch(/changed the arguments.*less/);
  });

  test('is acted upon though whoever decided died before it could tell', async () => {
    const { chat, turnId, first, second, paid } = await twoWaiting();
    await chat.decide(turnId, first, 'approved', { tell: false });
    await chat.decide(turnId, second, 'denied', { tell: false });
    await chat.sweep();
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    expect(paid()).toHaveLength(1);
  });

  test('of a turn that is cancelled is cancelled with it, within a second', async () => {
    const { chat, turnId, first, paid } = await twoWaiting();
    const asked = Date.now();
    await chat.cancel(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
    expect(Date.now() - asked).toBeLessThan(1000);
    expect(await chat.decide(turnId, first, 'approved')).toBe('refused');
    expect((await chat.calls(turnId)).map(({ state }) => state)).toEqual(['cancelled', 'cancelled']);
    expect(paid()).toEqual([]);
  });
});

describe('a cancel while a tool writes', () => {
  test('ends the turn at once, and the outcome is recorded when it is known', async () => {
    const chat = await conversationWith();
    harness.service.delayAnswers(3000);
    harness.provider.control({ script: [{ toolCalls: [call('mail')] }] });
    const before = effects('/mail');
    const turnId = await chat.send('Write to them');
    await until(async () => effects('/mail') > before, { what: 'the effect' });
    const asked = Date.now();
    await chat.cancel(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'cancelled' });
    expect(Date.now() - asked).toBeLessThan(1000);
    expect(await chat.callIn(turnId, 'mail', 'succeeded', 'cancelled', 'failed')).toMatchObject({ state: 'succeeded' });
    expect((await chat.events(turnId)).at(-1)?.kind).toBe('cancelled');
  });
});
