import { describe, expect, jest, test } from '@jest/globals';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { forgetUser, lockMemoryOwner, putMemorySettings } from '../../entities/memory/user-memory-repository.ts';
import { query } from '../../entities/sql.ts';
import { textsOf } from '../support/texts-of.ts';
import { until } from '../support/until.ts';
import { comparedFacts, foundFacts, memoryHarness } from '../support/workspaces/memory-harness.ts';

jest.setTimeout(120_000);
const { harness, learn, talk, memoryOf, write, paid, prompts } = memoryHarness();
const today = new Date().toISOString().slice(0, 10);
const callsSince = (before: number) => harness.provider.log().slice(before);
const nothing = { answer: JSON.stringify({ facts: [] }) };

describe('R25 what a conversation teaches', () => {
  test('is found in the words of the user alone, once, in paid calls, when the conversation has come to rest', async () => {
    harness.provider.control({
      script: [
        { answer: 'You are a ZEBRA.' },
        { answer: 'Noted.' },
        foundFacts(['Lives in Paris.', 2, 'I moved to Paris']),
      ],
    });
    const chat = await talk(['What am I?', 'I moved to Paris last week.']);
    const before = harness.provider.log().length;
    expect(await learn()).toEqual({ started: 1 });
    expect(await chat.lessonEnded()).toMatchObject({
      state: 'completed',
      version: 1,
      outcome: { added: ['Lives in Paris.'] },
    });
    expect(await memoryOf(chat.workspace)).toMatchObject({
      memory: `- Lives in Paris. (${today})`,
      origin: 'learned',
      detail: { conversation_id: chat.conversationId },
    });
    const calls = callsSince(before);
    expect(calls).toHaveLength(1);
    expect(prompts.at(-1)).toContain('I moved to Paris last week.');
    expect(prompts.at(-1)).not.toContain('ZEBRA');
    expect(await paid(chat.workspace)).toEqual([
      {
        id: calls[0]!.idempotencyKey,
        state: 'settled',
        total_tokens: calls[0]!.promptTokens + calls[0]!.completionTokens,
      },
    ]);
    expect(await learn()).toEqual({ started: 0 });
    harness.provider.control({ script: [{ answer: 'In Paris.' }, nothing] });
    const turnId = await chat.send('Where do I live?');
    await chat.ended(turnId);
    expect(await chat.promptOf(turnId, 0)).toContain('Lives in Paris.');
    await learn();
    await until(async () => (await chat.lessons()).length === 2 && (await chat.lessonEnded()), {
      what: 'the second lesson',
    });
    expect(prompts.at(-1)).not.toContain('I moved to Paris last week.');
    expect((await memoryOf(chat.workspace))?.version).toBe(1);
  });

  test('is never what was recalled: the model does not see it, and a fact that rests on it is dropped', async () => {
    harness.provider.control({
      script: [
        { answer: 'Yes.' },
        foundFacts(['Lives in Berlin.', 1, 'Lives in Berlin'], ['Has a cat.', 1, 'has a cat']),
      ],
    });
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, 'Lives in Berlin.\nHas a cat.');
    const chat = await talk(['Do you know me?'], workspace);
    await learn();
    expect(await chat.lessonEnded()).toMatchObject({
      state: 'completed',
      version: null,
      outcome: { dropped: [{ reason: 'no_quote' }, { reason: 'no_quote' }] },
    });
    expect(await chat.firstPrompt()).toContain('Lives in Berlin.');
    expect(prompts.at(-1)).not.toContain('Berlin');
    expect((await memoryOf(workspace))?.version).toBe(1);
  });

  test('takes the place of what it contradicts, and the next prompt carries the newer alone', async () => {
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, 'Lives in Berlin.\nWorks as a nurse.', new Date('2026-01-01'));
    harness.provider.control({
      script: [
        { answer: 'Good.' },
        foundFacts(['Lives in Paris.', 1, 'live in Paris']),
        comparedFacts({ new: 3, contradicts: [1] }),
        { answer: 'Paris.' },
      ],
    });
    const chat = await talk(['I live in Paris now.'], workspace);
    await learn();
    await chat.lessonEnded();
    expect(await memoryOf(workspace)).toMatchObject({
      memory: `Works as a nurse.\n- Lives in Paris. (${today})`,
      version: 2,
    });
    const next = await talk([], workspace);
    const turnId = await next.send('Where do I live?');
    await next.ended(turnId);
    const prompt = await next.promptOf(turnId, 0);
    expect(prompt).toContain('Lives in Paris.');
    expect(prompt).not.toContain('Berlin');
    // Or the next test's look would find this conversation too.
    harness.provider.control({ script: [nothing] });
    await learn();
    await next.lessonEnded();
  });

  test('is compared anew when somebody has written the memory meanwhile, and nothing of theirs is lost', async () => {
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, 'Works as a nurse.');
    harness.provider.control({
      script: [
        { answer: 'Good.' },
        foundFacts(['Lives in Paris.', 1, 'live in Paris']),
        { ...comparedFacts(), firstTokenMs: 1500 },
        comparedFacts(),
      ],
    });
    const before = harness.provider.log().length;
    const chat = await talk(['I live in Paris now.'], workspace);
    await learn();
    await until(async () => callsSince(before).length === 3, { what: 'the comparison' });
    await write(workspace, 'Works as a nurse.\nHas a dog.');
    await chat.lessonEnded();
    expect((await memoryOf(workspace))?.memory).toBe(`Works as a nurse.\nHas a dog.\n- Lives in Paris. (${today})`);
    expect(callsSince(before)).toHaveLength(4);
  });
});

describe('users decide', () => {
  test('who is forgotten while something is learned stays forgotten', async () => {
    harness.provider.control({
      script: [{ answer: 'Good.' }, { ...foundFacts(['Lives in Paris.', 1, 'live in Paris']), firstTokenMs: 1500 }],
    });
    const before = harness.provider.log().length;
    const chat = await talk(['I live in Paris now.']);
    await learn();
    await until(async () => callsSince(before).length === 2, { what: 'the call of the lesson' });
    const { workspaceId, userId } = chat.workspace;
    await harness.database.inWorkspace(workspaceId, async (em) => {
      await lockMemoryOwner(em, userId);
      await forgetUser(em, userId);
    });
    await until(async () => (await paid(chat.workspace)).every(({ state }) => state === 'settled'), {
      what: 'the figures',
    });
    expect(await learn()).toEqual({ started: 0 });
    expect([await memoryOf(chat.workspace), await chat.lessons()]).toEqual([null, []]);
  });

  test('who opts out teaches nothing, costs nothing, and is answered without what is remembered', async () => {
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, 'Likes ZEBRAS.');
    const { workspaceId, userId } = workspace;
    const out = { learn: false, recall: false, cap_tokens: null };
    await harness.database.inWorkspace(workspaceId, (em) => putMemorySettings(em, userId, out));
    const chat = await talk(['I live in Paris now.'], workspace);
    expect(await learn()).toEqual({ started: 0 });
    expect(await chat.firstPrompt()).not.toContain('ZEBRAS');
    expect(await chat.lessons()).toEqual([]);
    await harness.database.inWorkspace(workspaceId, (em) => putMemorySettings(em, userId, { ...out, learn: true }));
    expect(await learn()).toEqual({ started: 0 });
  });
});

test('R28 nothing is learned of a user whose budget is used up until there is one again', async () => {
  harness.provider.control({ script: [{ answer: 'Good.' }, nothing] });
  const chat = await talk(['I live in Paris now.']);
  const { workspaceId, userId } = chat.workspace;
  const spend = (end: string) =>
    harness.database.asOperator((em) =>
      query(
        em,
        `insert into budgets (id, workspace_id, name, user_id, amount, currency, on_exceeded, period_start, period_end,
           exceeded_at)
         values ($1, $2, 'monthly', $1, 1, 'USD', 'refuse', now() - interval '1 day', now() + $3::interval, now())
         on conflict (id) do update set period_end = excluded.period_end`,
        [userId, workspaceId, end],
      ),
    );
  await spend('1 day');
  expect(await learn()).toEqual({ started: 0 });
  await spend('-1 minute');
  expect(await learn()).toEqual({ started: 1 });
  expect(await chat.lessonEnded()).toMatchObject({ state: 'completed', outcome: { reason: 'nothing_found' } });
});

describe('R25 a model that fails', () => {
  test('is told once what is wrong with its answer', async () => {
    harness.provider.control({
      script: [
        { answer: 'Good.' },
        { answer: 'They live in Paris.' },
        foundFacts(['Lives in Paris.', 1, 'live in Paris']),
      ],
    });
    const before = harness.provider.log().length;
    const chat = await talk(['I live in Paris now.']);
    await learn();
    expect(await chat.lessonEnded()).toMatchObject({ state: 'completed', version: 1 });
    expect(callsSince(before)).toHaveLength(3);
    expect(prompts.at(-1)).toContain('The answer is not JSON.');
    expect(await paid(chat.workspace)).toHaveLength(2);
  });

  test('is not paid again and again for answers that cannot be used', async () => {
    harness.provider.control({ script: [{ answer: 'Good.' }, { answer: 'No JSON.' }, { answer: 'None either.' }] });
    const chat = await talk(['I live in Paris now.']);
    await learn();
    expect(await chat.lessonEnded()).toMatchObject({ state: 'failed', error: { code: 'provider_malformed_response' } });
    expect(await paid(chat.workspace)).toHaveLength(2);
  });

  test('leaves the memory as it is, says why, and is asked again in an hour', async () => {
    harness.provider.control({ script: [{ answer: 'Good.' }, { failure: { kind: 'status', status: 401 } }] });
    const chat = await talk(['I live in Paris now.']);
    await learn();
    expect(await chat.lessonEnded()).toMatchObject({ state: 'failed', error: { code: 'provider_authentication' } });
    expect(await memoryOf(chat.workspace)).toBeNull();
    expect(await learn()).toEqual({ started: 0 });
    await harness.database.asOperator((em) =>
      query(em, `update memory_lessons set updated_at = now() - interval '61 minutes' where conversation_id = $1`, [
        chat.conversationId,
      ]),
    );
    harness.provider.control({ script: [foundFacts(['Lives in Paris.', 1, 'live in Paris'])] });
    expect(await learn()).toEqual({ started: 1 });
    expect(await chat.lessonEnded()).toMatchObject({ state: 'completed', starts: 2, version: 1 });
  });

  test('and a worker that dies in the middle: another one goes on, and no committed call is paid again', async () => {
    const workspace = await harness.workspace({ model: 'fake' });
    await write(workspace, 'Works as a nurse.');
    harness.provider.control({
      script: [
        { answer: 'Good.' },
        foundFacts(['Lives in Paris.', 1, 'live in Paris']),
        { ...comparedFacts(), firstTokenMs: 60_000 },
        comparedFacts(),
      ],
    });
    const before = harness.provider.log().length;
    const chat = await talk(['I live in Paris now.'], workspace);
    await learn();
    await until(async () => callsSince(before).length === 3, { what: 'the comparison' });
    await harness.worker.stop();
    harness.worker = await harness.startWorker();
    expect(await chat.lessonEnded()).toMatchObject({ state: 'completed' });
    expect((await memoryOf(workspace))?.memory).toBe(`Works as a nurse.\n- Lives in Paris. (${today})`);
    expect(callsSince(before)).toHaveLength(4);
    expect((await paid(workspace)).map(({ state }) => state).toSorted()).toEqual(['settled', 'settled', 'unknown']);
  });

  test('no message text is in the history of what learns', async () => {
    harness.provider.control({ script: [{ answer: 'Good.' }, foundFacts(['Lives in Paris.', 1, 'live in Paris'])] });
    const chat = await talk(['I live in Paris now.']);
    await learn();
    await chat.lessonEnded();
    const [lesson] = await chat.query<{ up_to: number }>(
      `select up_to_sequence::integer as up_to from memory_lessons where conversation_id = $1`,
      [chat.conversationId],
    );
    const run = harness.client.workflow.getHandle(workflowIds.learnMemory(chat.conversationId, lesson!.up_to));
    expect(await run.result()).toEqual({ state: 'learned', version: 1 });
    expect(textsOf(await run.fetchHistory()).join(' ')).not.toContain('Paris');
  });
});
