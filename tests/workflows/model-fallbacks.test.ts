import { describe, expect, jest, test } from '@jest/globals';
import { ApplicationFailure } from '@temporalio/common';
import type { Topic } from '../../contracts/agent.ts';
import { registerEmbeddingModel } from '../../entities/agents/embedding-model-registration.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';
import { shownText } from '../support/workspaces/turn-client.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);

/** While set, waits between attempts are short and the circuit's rest is over at once: only the order of things is tested. */
let isHurried = false;
const harness = conversationHarness({
  worker: {
    around: (activities) => ({
      ...activities,
      generateAnswer: async (input) => {
        const endRests = () =>
          harness.database.asOperator((em) =>
            query(em, `update model_circuits set open_until = clock_timestamp() where open_until is not null`),
          );
        try {
          const verdict = await activities.generateAnswer(input);
          if (!isHurried || verdict.state !== 'resting') return verdict;
          await endRests();
          return { ...verdict, ms: 1 };
        } catch (error) {
          if (!isHurried || !(error instanceof ApplicationFailure) || error.nonRetryable) throw error;
          await endRests();
          throw ApplicationFailure.create({ type: error.type ?? '', message: error.message, nextRetryDelay: 1 });
        }
      },
    }),
  },
});

type Chat = Awaited<ReturnType<typeof harness.open>>;

const topic = (name: string): Topic => ({ name, description: '', instructions: '', keywords: [], tools: [] });
const topics = `topics = '${JSON.stringify([topic('invoices'), topic('leave')])}'`;
const status = (code: number) => ({ kind: 'status' as const, status: code, headers: {} });
const toldOf = async (chat: Chat, turnId: string, ...kinds: string[]) =>
  (await chat.events(turnId)).filter(({ kind }) => kinds.includes(kind)).map(({ kind, data }) => ({ kind, ...data }));
const stepsOf = (chat: Chat, turnId: string) =>
  chat.query<{ kind: string; model: string; response: Record<string, unknown> }>(
    `select kind, request ->> 'model' as model, response from turn_steps where turn_id = $1 order by step`,
    [turnId],
  );
const usageOf = (chat: Chat, turnId: string) =>
  chat.query(
    `select u.step, m.name as model, u.state from usage_metrics u join models m on m.id = u.model_id
     where u.turn_id = $1 order by u.step, u.attempt`,
    [turnId],
  );
const calledModels = () => harness.provider.log().map(({ model }) => model);

describe('what is not the answer', () => {
  test('the topic: is asked of the next model when the first fails, and told', async () => {
    const chat = await harness.open({ model: 'first', fallbacks: { second: {} }, agent: topics });
    harness.provider.control({
      script: [
        { model: 'first', failure: status(500) },
        { model: 'second', answer: '{"topic": "leave"}' },
      ],
    });
    const turnId = await chat.send('I am tired');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1, topic: 'leave' });
    expect(calledModels()).toEqual(['first', 'second', 'first']);
    expect(await toldOf(chat, turnId, 'model_fallback', 'warning', 'reset')).toEqual([
      { kind: 'model_fallback', step: 1, from: 'chat', to: 'second', reason: 'provider_unavailable' },
    ]);
    expect(await stepsOf(chat, turnId)).toMatchObject([
      { kind: 'route', model: 'chat', response: { error: 'provider_unavailable' } },
      { kind: 'route', model: 'second', response: { topic: 'leave', by: 'model' } },
      { kind: 'model', model: 'chat' },
    ]);
    expect(await usageOf(chat, turnId)).toEqual([
      { step: 0, model: 'chat', state: 'unknown' },
      { step: 1, model: 'second', state: 'settled' },
      { step: 2, model: 'chat', state: 'settled' },
    ]);
  });

  test('the topic: is left out with a warning when every model fails', async () => {
    const chat = await harness.open({ model: 'first', fallbacks: { second: {} }, agent: topics });
    harness.provider.control({ script: [{ failure: status(503), times: 2 }] });
    const turnId = await chat.send('I am tired');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', topic: null });
    expect(calledModels()).toEqual(['first', 'second', 'first']);
    expect(await toldOf(chat, turnId, 'warning')).toMatchObject([
      { code: 'step_left_out', detail: expect.stringContaining('second: provider_unavailable') },
    ]);
  });

  test('a summary: is made by the next model', async () => {
    const window = { contextWindow: 3000 };
    const chat = await harness.open({ model: 'first?tokens=5', capabilities: window, fallbacks: { second: window } });
    const long = (name: string) => `${name} ${'lorem ipsum dolor sit amet '.repeat(110)}`;
    for (const name of ['one', 'two', 'three']) await chat.ended(await chat.send(long(name)));
    harness.provider.control({
      script: [
        { model: 'first?tokens=5', failure: status(500) },
        { model: 'second', answer: 'Ada said one.' },
      ],
    });
    const turnId = await chat.send(long('four'));
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    // Once it has failed, the first is not asked for the pieces that follow.
    const steps = (await stepsOf(chat, turnId)).map(({ kind, model }) => `${kind} ${model}`);
    expect([...new Set(steps)]).toEqual(['summarize chat', 'summarize second', 'model chat']);
    expect(steps.filter((step) => step === 'summarize chat')).toHaveLength(1);
    const summaries = await chat.query(
      `select s.content, m.name from conversation_summaries s join models m on m.id = s.model_id order by s.created_at`,
    );
    expect(summaries[0]).toEqual({ content: 'Ada said one.', name: 'second' });
  });

  test('a title: is made by the next model, and nothing is asked of one that rests', async () => {
    const chat = await harness.open({ model: 'first', fallbacks: { second: {}, third: {} } });
    const { workspaceId } = chat.workspace;
    await chat.query(
      `insert into prompt_templates (id, workspace_id, name, type, template, is_default)
       values ($1, $2, 'titles', 'title', 'A title for {{question}}', true)`,
      [uuidV7(), workspaceId],
    );
    await chat.query(
      `insert into model_circuits (workspace_id, model_id, failures, openings, open_until)
       select workspace_id, id, 5, 1, clock_timestamp() + interval '1 hour' from models where name = 'second'`,
    );
    harness.provider.control({
      script: [
        { model: 'first', answer: 'At five.' },
        { model: 'first', failure: status(500) },
        { model: 'third', answer: 'Time for tea' },
      ],
    });
    const turnId = await chat.send('When is tea?');
    await chat.ended(turnId);
    const title = () => chat.query(`select title from conversations where id = $1`, [chat.conversationId]);
    await until(async () => (await title())[0]!['title'] === 'Time for tea', { what: 'the title' });
    expect(calledModels()).toEqual(['first', 'first', 'third']);
    await until(async () => (await usageOf(chat, turnId)).every(({ state }) => state !== 'started'), {
      what: 'the figures',
    });
    expect(await usageOf(chat, turnId)).toEqual([
      { step: 0, model: 'chat', state: 'settled' },
      { step: 1, model: 'chat', state: 'unknown' },
      { step: 2, model: 'third', state: 'settled' },
    ]);
  });
});

describe('a prompt that is too long', () => {
  const question = 'word '.repeat(4000);

  test('for the model goes to the first larger one of the agent', async () => {
    const chat = await harness.open({
      model: 'small',
      capabilities: { contextWindow: 1500 },
      fallbacks: { smaller: { contextWindow: 1000 }, large: { contextWindow: 100_000 } },
    });
    const turnId = await chat.send(question);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(calledModels()).toEqual(['large']);
    expect(await toldOf(chat, turnId, 'model_fallback')).toEqual([
      { kind: 'model_fallback', step: 0, from: 'chat', to: 'large', reason: 'prompt_too_long' },
    ]);
    expect(await usageOf(chat, turnId)).toEqual([{ step: 0, model: 'large', state: 'settled' }]);
    expect((await chat.messages()).at(-1)?.metadata['model']).toMatch(/large/);
  });

  test('for all models fails the turn with the reason', async () => {
    const chat = await harness.open({
      model: 'small',
      capabilities: { contextWindow: 1500 },
      fallbacks: { smaller: { contextWindow: 1800 } },
    });
    const turnId = await chat.send(question);
    expect(await chat.ended(turnId)).toMatchObject({ state: 'failed', error: { code: 'prompt_too_long' } });
    expect(harness.provider.log()).toEqual([]);
    expect((await chat.events(turnId)).at(-1)).toMatchObject({ kind: 'error', data: { code: 'prompt_too_long' } });
  });

  test('as the provider counts is shortened, then left to a larger model', async () => {
    const refused = { kind: 'status' as const, status: 400, code: 'context_length_exceeded', headers: {} };
    const chat = await harness.open({ model: 'small', capabilities: { contextWindow: 8000 } });
    harness.provider.control({ script: [{ failure: refused }] });
    const turnId = await chat.send('Short enough?');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    expect(await toldOf(chat, turnId, 'retrying')).toMatchObject([
      { model: 'chat', reason: 'provider_context_length' },
    ]);

    const other = await harness.open({
      model: 'small',
      capabilities: { contextWindow: 8000 },
      fallbacks: { large: { contextWindow: 100_000 } },
    });
    harness.provider.control({ reset: true, script: [{ failure: refused }] });
    const second = await other.send('Short enough?');
    expect(await other.ended(second)).toMatchObject({ state: 'completed' });
    expect(calledModels()).toEqual(['small', 'large']);
    expect(await toldOf(other, second, 'model_fallback')).toMatchObject([
      { to: 'large', reason: 'provider_context_length' },
    ]);
  });

  test('however short it is made ends the turn with a reason', async () => {
    const chat = await harness.open({ model: 'small', capabilities: { contextWindow: 8000 } });
    harness.provider.control({
      script: [{ failure: { kind: 'status', status: 400, code: 'context_length_exceeded' }, times: 20 }],
    });
    const turnId = await chat.send('Short enough?');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'failed', error: { code: 'provider_context_length' } });
    expect(harness.provider.log()).toHaveLength(3);
  });
});

describe('a turn', () => {
  test('whose only model stays down ends with the reason, after events that say so; its circuit is open', async () => {
    const chat = await harness.open({ model: 'first' });
    harness.provider.control({ script: [{ failure: status(503), times: 50 }] });
    isHurried = true;
    const turnId = await chat.send('Is anybody there?');
    const turn = await chat.ended(turnId, 40_000).finally(() => (isHurried = false));
    expect(turn).toMatchObject({ state: 'failed', error: { code: 'provider_unavailable' } });
    // One request an attempt, and each failure but the last was followed by the word when it goes on.
    const calls = harness.provider.log().length;
    expect(calls).toBeLessThanOrEqual(10);
    // A busy machine may lose an attempt before it has asked.
    expect(calls).toBeGreaterThan(6);
    const told = await toldOf(chat, turnId, 'retrying', 'error');
    expect(told.map(({ kind }) => kind)).toEqual([...Array.from({ length: calls - 1 }, () => 'retrying'), 'error']);
    expect(told.at(-1)).toMatchObject({ code: 'provider_unavailable', detail: expect.stringMatching(/\w{5,}/) });
    expect((await chat.usage(turnId)).map(({ state }) => state)).toEqual(
      Array.from({ length: calls }, () => 'unknown'),
    );
    expect(await chat.query(`select openings > 1 as opened, last_code from model_circuits`)).toEqual([
      { opened: true, last_code: 'provider_unavailable' },
    ]);
  });

  test('that searches is told when the model of the search fails, and is asked again', async () => {
    const chat = await harness.open({ model: 'first' });
    const { workspaceId, agentId } = chat.workspace;
    const [embeddingId, toolId] = [uuidV7(), uuidV7()];
    await harness.database.asOperator(async (em) => {
      await query(
        em,
        `insert into models (id, workspace_id, name, kind, provider, model_id, endpoint, dimensions)
         values ($1, $2, 'embedder', 'embedding', 'openai', 'fake', $3, 384)`,
        [embeddingId, workspaceId, harness.provider.url],
      );
      await registerEmbeddingModel(em, embeddingId);
      await query(
        em,
        `insert into rag_tools (id, workspace_id, name, embedding_model_id) values ($1, $2, 'library', $3)`,
        [...[toolId, workspaceId, embeddingId]],
      );
      await query(
        em,
        `insert into agent_tools (agent_id, workspace_id, position, tool_type, rag_tool_id, use)
         values ($1, $2, 0, 'rag_tool', $3, 'before')`,
        [agentId, workspaceId, toolId],
      );
    });
    harness.provider.control({ script: [{ on: 'embeddings', failure: status(503), times: 2 }] });
    const turnId = await chat.send('Where is it?');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 3 });
    expect(await toldOf(chat, turnId, 'retrying')).toEqual([
      { kind: 'retrying', step: 0, model: 'embedder', reason: 'provider_unavailable', in_ms: 500 },
      { kind: 'retrying', step: 0, model: 'embedder', reason: 'provider_unavailable', in_ms: 1000 },
    ]);
    harness.provider.control({ reset: true, script: [{ on: 'embeddings', failure: status(401) }] });
    const refused = await chat.send('And now?');
    expect(await chat.ended(refused)).toMatchObject({
      state: 'failed',
      error: { code: 'provider_authentication' },
    });
    expect(await toldOf(chat, refused, 'retrying')).toEqual([]);
  });

  test('whose stream stalls is told so, cut after the time-out of its model, and goes on', async () => {
    const chat = await harness.open({ model: 'first', capabilities: { stallTimeoutMs: 700 } });
    harness.provider.control({
      script: [{ answer: 'One two three four five six seven.', failure: { kind: 'stall', afterTokens: 3 } }],
    });
    const began = Date.now();
    const turnId = await chat.send('Count');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed', attempt: 2 });
    expect(Date.now() - began).toBeLessThan(10_000);
    const events = await chat.events(turnId);
    expect(await toldOf(chat, turnId, 'retrying', 'reset')).toMatchObject([
      { kind: 'retrying', model: 'chat', reason: 'provider_timeout' },
      { kind: 'reset', attempt: 2 },
    ]);
    const first = events.findIndex(({ kind }) => kind === 'retrying');
    expect(shownText(events.slice(0, first))).not.toBe('');
    expect(shownText(events)).toBe((await chat.messages()).at(-1)?.content);
    expect((await chat.usage(turnId)).map(({ state }) => state)).toEqual(['unknown', 'settled']);
  });
});
