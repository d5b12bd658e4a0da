import { createHash } from 'node:crypto';
import { describe, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { seePrompts } from '../../activities/conversation/prompt/see-prompts.ts';
import { writeTurnNews } from '../../contracts/names/turn-news.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { acceptAgain } from '../../entities/conversations/accept-again.ts';
import { readPromptReferences } from '../../entities/conversations/prompt-reference-repository.ts';
import { textsOf } from '../support/texts-of.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';
import { shownText } from '../support/workspaces/turn-client.ts';

jest.setTimeout(120_000);
const harness = conversationHarness();

const conversationWith = (model = 'fake?tokens=20') => harness.open({ model });

describe('a turn', () => {
  test('streams and commits an answer whose text is the streamed text, with usage and a call id that agree', async () => {
    const chat = await conversationWith();
    const turnId = await chat.send('What lasts?');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1, error: null });
    const [question, answer] = await chat.messages();
    const events = await chat.events(turnId);
    const [call] = harness.provider.log();
    expect(question).toMatchObject({ sender: 'user', content: 'What lasts?', sequence: '1' });
    expect(answer).toMatchObject({ sender: 'assistant', content: shownText(events), parent_id: question?.id });
    expect(answer?.content).toBe(call?.answer);
    expect(events.map((event) => event.seq)).toEqual(events.map((_, place) => place + 1));
    expect(events[0]?.kind).toBe('turn_started');
    expect(events.at(-1)?.kind).toBe('done');
    expect(await chat.usage(turnId)).toEqual([
      {
        id: call?.idempotencyKey,
        state: 'settled',
        attempt: 1,
        total_tokens: (call?.promptTokens ?? 0) + (call?.completionTokens ?? 0),
        cost: (((call?.promptTokens ?? 0) + 2 * (call?.completionTokens ?? 0)) / 1e6).toFixed(10),
      },
    ]);
  });

  test('R36: after a 429 no conversation calls the model before its Retry-After is over', async () => {
    const workspace = await harness.workspace({ model: 'fake?tokens=5' });
    const [first, second] = await Promise.all([1, 2].map(() => harness.open(workspace)));
    harness.provider.control({
      script: [{ on: 'chat', failure: { kind: 'status', status: 429, headers: { 'retry-after': '2' } } }],
    });
    const refused = await first!.send('A question that is refused at first');
    await until(async () => harness.provider.log().some((call) => call.outcome === 'failed'), { what: 'the refusal' });
    const held = await second!.send('A question that must wait');
    for (const turn of [await first!.ended(refused), await second!.ended(held)])
      expect(turn).toMatchObject({ state: 'completed' });
    const [refusal, ...later] = harness.provider.log();
    expect(later).toHaveLength(2);
    for (const call of later) expect(call.startedAt - refusal!.startedAt).toBeGreaterThanOrEqual(1950);
  });

  test('knows the exchanges before it, in the order of the questions', async () => {
    const chat = await conversationWith();
    const first = await chat.send('first question');
    const second = await chat.send('second question');
    await chat.ended(second);
    await chat.ended(first);
    const references = await harness.database.asOperator((em) => readPromptReferences(em, second));
    const [[step, prompt] = []] = seePrompts(references);
    const answers = (await chat.messages()).filter((message) => message.sender === 'assistant');
    expect(prompt).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'first question' },
      { role: 'assistant', content: answers[0]?.content },
      { role: 'user', content: 'second question' },
    ]);
    const hash = createHash('sha256').update(JSON.stringify(prompt)).digest('hex');
    expect(references.requests.get(step!)?.['prompt_hash']).toBe(hash);
  });

  test('R15: a hundred writers at once lose no message and keep a strict order', async () => {
    const chat = await conversationWith('fake?tokens=1');
    const turns = await Promise.all(Array.from({ length: 100 }, (_, n) => chat.accept(`message ${n}`)));
    const sequences = (await chat.messages()).map((message) => Number(message.sequence));
    expect(new Set(turns).size).toBe(100);
    expect(sequences).toEqual(Array.from({ length: 100 }, (_, n) => n + 1));
  });

  test('a client message id that comes twice is one message and one turn', async () => {
    const chat = await conversationWith();
    const [first, second] = await Promise.all([chat.send('once', 'same'), chat.send('once', 'same')]);
    expect(second).toBe(first);
    await chat.ended(first);
    expect(await chat.messages()).toHaveLength(2);
    expect(harness.provider.log()).toHaveLength(1);
  });

  test('R36, R37: a 429 is waited out as the provider asks, one request an attempt, and the first attempt is unknown', async () => {
    const chat = await conversationWith();
    harness.provider.control({
      script: [{ failure: { kind: 'status', status: 429, headers: { 'retry-after': '1' } } }],
    });
    const turnId = await chat.send('patience');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    const [refused, answered] = harness.provider.log();
    expect(harness.provider.log()).toHaveLength(2);
    expect((answered?.startedAt ?? 0) - (refused?.startedAt ?? 0)).toBeGreaterThanOrEqual(1000);
    expect((await chat.usage(turnId)).map((row) => [row.state, row.total_tokens === null])).toEqual([
      ['unknown', true],
      ['settled', false],
    ]);
  });

  test('R34: a stream that breaks in the middle is told by one reset, and the text shown is the text stored', async () => {
    const chat = await conversationWith('fake');
    harness.provider.control({ script: [{ tokens: 40, tokenMs: 10, failure: { kind: 'reset', afterTokens: 20 } }] });
    const turnId = await chat.send('again');
    await chat.ended(turnId);
    const events = await chat.events(turnId);
    expect(events.filter((event) => event.kind === 'reset')).toHaveLength(1);
    expect(shownText(events)).toBe((await chat.messages()).at(-1)?.content);
  });

  test("a refused key fails the turn with a code, without a retry and without the provider's words", async () => {
    const chat = await conversationWith();
    harness.provider.control({
      script: [{ failure: { kind: 'status', status: 401, message: 'Incorrect API key: sk-secret' } }],
    });
    const turnId = await chat.send('who?');
    const turn = await chat.ended(turnId);
    expect(turn).toMatchObject({ state: 'failed', error: { code: 'provider_authentication' } });
    expect(harness.provider.log()).toHaveLength(1);
    expect(JSON.stringify([turn, await chat.events(turnId)])).not.toContain('sk-secret');
  });
});

describe("Temporal's UI", () => {
  test('tells which turn runs and how the others of the run ended: ids and counts, no text', async () => {
    const chat = await conversationWith('fake?tokens=2000&tokenMs=10');
    const [running, waiting] = [await chat.send('a secret question'), await chat.send('another secret')];
    await until(async () => harness.provider.log()[0], { what: 'the call' });
    const handle = harness.client.workflow.getHandle(
      workflowIds.conversation((await chat.turn(running)).conversation_id),
    );
    const details = async () => {
      const metadata = await handle.query<{ currentDetails: string }>('__temporal_workflow_metadata');
      return metadata.currentDetails;
    };
    expect(await details()).toBe(`Turn \`${running}\` runs, 1 waiting. Ended in this run: none.`);
    await chat.cancel(waiting);
    await chat.ended(waiting);
    expect(await details()).toBe(`Turn \`${running}\` runs, 0 waiting. Ended in this run: 1 cancelled.`);
    await chat.cancel(running);
    await chat.ended(running);
    await until(async () => (await details()) === 'No turn runs, 0 waiting. Ended in this run: 2 cancelled.', {
      what: 'the end of both',
    });
    const texts = await until(
      async () => {
        const shown = textsOf(await handle.fetchHistory());
        return shown.some((text) => text.includes('End this run if nothing arrives')) ? shown : null;
      },
      { what: 'the wait for another message' },
    );
    expect(texts.filter((text) => text.includes('End the turn: cancelled'))).toHaveLength(2);
    expect(texts.join()).not.toContain('secret');
  });
});

describe('a cancel', () => {
  test('acts within 1 s behind 50 queued messages, stops the call, and keeps what was said', async () => {
    const chat = await conversationWith('fake?tokens=2000&tokenMs=10');
    const turnId = await chat.send('tell me everything');
    await until(async () => (await chat.events(turnId)).some((event) => event.kind === 'text_delta'), {
      what: 'the first text',
    });
    const queued = await Promise.all(Array.from({ length: 50 }, (_, n) => chat.accept(`queued ${n}`)));
    for (const waiting of queued) await chat.submit(waiting);
    const asked = Date.now();
    await chat.cancel(turnId);
    await chat.ended(turnId);
    expect(Date.now() - asked).toBeLessThan(1000);
    const [call] = harness.provider.log();
    await until(async () => call?.abortedAt, { what: 'the end of the request', timeoutMs: 1500 });
    const said = (await chat.messages()).find((message) => message.sender === 'assistant');
    expect(said?.content).toBe(shownText(await chat.events(turnId)));
    expect(said?.content).not.toBe('');
    expect(said?.metadata).toMatchObject({ cancelled: true });
    for (const waiting of queued) await chat.cancel(waiting);
    for (const waiting of queued) expect((await chat.ended(waiting)).state).toBe('cancelled');
  });

  test('of a turn that has ended changes nothing', async () => {
    const chat = await conversationWith();
    const turnId = await chat.send('done already');
    await chat.ended(turnId);
    const before = await chat.events(turnId);
    await chat.cancel(turnId);
    await chat.ended(await chat.send('next'));
    expect(await chat.turn(turnId)).toMatchObject({ state: 'completed' });
    expect(await chat.events(turnId)).toEqual(before);
  });

  test('stops a model that is silent within 1 s', async () => {
    const chat = await conversationWith('fake?stall=0');
    const turnId = await chat.send('are you there?');
    await until(async () => harness.provider.log()[0], { what: 'the call' });
    const asked = Date.now();
    await chat.cancel(turnId);
    expect((await chat.ended(turnId)).state).toBe('cancelled');
    expect(Date.now() - asked).toBeLessThan(1000);
    await until(async () => harness.provider.log()[0]?.abortedAt, { what: 'the end of the request', timeoutMs: 1500 });
  });
});

describe('an answer that is given again', () => {
  test.each(['regenerate', 'retry'] as const)('is begun before the workflow has heard of it (%s)', async (kind) => {
    const chat = await conversationWith('fake?firstTokenMs=300&tokens=10');
    const { workspaceId } = chat.workspace;
    const { conversationId } = chat;
    const former = await chat.send('What lasts?');
    if (kind === 'retry') await chat.cancel(former);
    expect(await chat.ended(former)).toMatchObject({ state: kind === 'retry' ? 'cancelled' : 'completed' });
    const calls = harness.provider.log().length;
    const turnId = v7();
    const again = { workspaceId, conversationId, turnId, kind, replacesTurnId: former, versions: undefined };
    const accepted = await harness.worker.deps.database.inWorkspace(workspaceId, (em) =>
      acceptAgain(em, { ...again, workflowId: workflowIds.conversation(conversationId) }),
    );
    expect(accepted).toMatchObject({ isAlone: true });
    harness.worker.early.hear(writeTurnNews({ accepted: { workspaceId, conversationId, turnId } }));
    await until(async () => (await chat.events(turnId)).some((event) => event.kind === 'text_delta'), {
      what: 'the first text',
    });
    await chat.submit(turnId);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(harness.provider.log()).toHaveLength(calls + 1);
    const events = await chat.events(turnId);
    expect(events.map((event) => event.kind)).not.toContain('reset');
    const messages = await chat.messages();
    expect(messages.at(-1)?.content).toBe(shownText(events));
    expect(messages.filter(({ sender }) => sender === 'user')).toHaveLength(1);
  });
});
