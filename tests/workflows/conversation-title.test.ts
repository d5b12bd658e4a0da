import { describe, expect, jest, test } from '@jest/globals';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { findConversation, updateConversation } from '../../entities/conversations/conversation-record-repository.ts';
import { query } from '../../entities/sql.ts';
import { readModelCircuits } from '../../entities/usage/model-circuit-repository.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';

jest.setTimeout(120_000);
const harness = conversationHarness({ pool: 8 });

async function open({ template = 'A title for: {{question}} / {{answer}}' }: { template?: string | null } = {}) {
  const workspace = await harness.workspace({ model: 'fake' });
  const { workspaceId } = workspace;
  const inWorkspace = <T>(work: Parameters<typeof harness.database.inWorkspace<T>>[1]) =>
    harness.database.inWorkspace(workspaceId, work);
  if (template !== null)
    await inWorkspace((em) =>
      query(
        em,
        `insert into prompt_templates (id, workspace_id, name, type, template, is_default)
         values ($1, $2, 'titles', 'title', $3, true)`,
        [uuidV7(), workspaceId, template],
      ),
    );
  const chat = await harness.open(workspace);
  const { conversationId: id } = chat;
  return {
    ...chat,
    conversation: async () => (await inWorkspace((em) => findConversation(em, id)))!,
    circuit: async () => (await inWorkspace((em) => readModelCircuits(em, [workspace.modelId]))).get(workspace.modelId),
    rename: (title: string) => inWorkspace((em) => updateConversation(em, id, { title })),
  };
}

const titled = (chat: Awaited<ReturnType<typeof open>>, title: string) =>
  until(async () => (await chat.conversation()).title === title, { what: `the title ${title}` });

describe('the title of a conversation', () => {
  test('is made by the model from the first question and its answer, once, in a paid call of its own', async () => {
    const chat = await open();
    harness.provider.control({ script: [{ answer: 'At five.' }, { answer: '"Time for tea."' }, { answer: 'Green.' }] });
    const turnId = await chat.send('When is tea?');
    await chat.ended(turnId);
    await titled(chat, 'Time for tea');
    await until(async () => (await chat.usage(turnId)).every(({ state }) => state === 'settled'), {
      what: 'the figures',
    });
    const usage = await chat.usage(turnId);
    expect(usage).toHaveLength(2);
    const [, call] = harness.provider.log();
    expect(usage.map(({ id }) => id)).toContain(call!.idempotencyKey);
    expect(usage.find(({ id }) => id === call!.idempotencyKey)?.total_tokens).toBe(
      call!.promptTokens + call!.completionTokens,
    );
    await chat.ended(await chat.send('Which one?'));
    expect((await chat.conversation()).title).toBe('Time for tea');
    expect(harness.provider.log()).toHaveLength(3);
  });

  test('never replaces what a person has written meanwhile', async () => {
    const chat = await open();
    harness.provider.control({ script: [{ answer: 'At five.' }, { answer: 'Model title', firstTokenMs: 1500 }] });
    const turnId = await chat.send('When is tea?');
    await until(async () => harness.provider.log().length === 2, { what: 'the call for a title' });
    await chat.rename('My own');
    await until(async () => (await chat.usage(turnId)).every(({ state }) => state === 'settled'), {
      what: 'the figures',
    });
    expect((await chat.conversation()).title).toBe('My own');
  });

  test('stays the question where the model fails or there is no template for titles', async () => {
    const plain = await open({ template: null });
    await plain.ended(await plain.send('What is tea?'));
    expect(harness.provider.log()).toHaveLength(1);
    const failing = await open();
    harness.provider.control({ script: [{ answer: 'At five.' }, { failure: { kind: 'status', status: 400 } }] });
    const turnId = await failing.send('When is tea?');
    await until(async () => (await failing.usage(turnId)).some(({ state }) => state === 'unknown'), {
      what: 'the failed call',
    });
    expect((await failing.conversation()).title).toBe('When is tea?');
    expect((await failing.turn(turnId)).state).toBe('completed');
  });

  test('is no step of the conversation where the agent has no model that can make one', async () => {
    const chat = await open();
    await chat.query(`update models set provider = 'extractive', endpoint = null where id = $1`, [
      chat.workspace.modelId,
    ]);
    const turnId = await chat.send('When is tea?');
    expect(await chat.ended(turnId)).toMatchObject({ state: 'completed' });
    const workflow = harness.client.workflow.getHandle(workflowIds.conversation(chat.conversationId));
    const steps = async () =>
      (await workflow.fetchHistory()).events!.flatMap(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? [],
      );
    // The next turn is scheduled behind whatever the first one was followed by.
    expect(await chat.ended(await chat.send('Which one?'))).toMatchObject({ state: 'completed' });
    expect(await steps()).toEqual(['generateAnswer', 'generateAnswer']);
  });

  test('counts against its model when its provider fails', async () => {
    const chat = await open();
    harness.provider.control({ script: [{ answer: 'At five.' }, { failure: { kind: 'status', status: 500 } }] });
    await chat.ended(await chat.send('When is tea?'));
    const failures = async () => (await chat.circuit())?.failures ?? 0;
    await until(async () => (await failures()) > 0, { what: 'the failure of the title' });
    expect(await failures()).toBe(1);
  });
});
