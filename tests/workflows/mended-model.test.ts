import { describe, expect, jest, test } from '@jest/globals';
import { writeTurnNews } from '../../contracts/names/turn-news.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { endModelRest, rouseTurns } from '../../entities/conversations/resting-turn-repository.ts';
import { query } from '../../entities/sql.ts';
import { blockModelCalls } from '../../entities/usage/rate-limit-repository.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { until } from '../support/until.ts';
import { conversationHarness } from '../support/workspaces/conversation-harness.ts';

jest.setTimeout(120_000);
const harness = conversationHarness({ pool: 8 });

type Chat = Awaited<ReturnType<typeof harness.open>>;

/** Counts failures against the model of the conversation, which rests for so many seconds where any are given. */
const tire = ({ workspace: { workspaceId, modelId } }: Chat, failures: number, seconds: number | null = null) =>
  harness.database.asOperator((em) =>
    query(
      em,
      `insert into model_circuits (workspace_id, model_id, failures, openings, open_until)
       values ($1, $2, $3, case when $4::float8 is null then 0 else 1 end, clock_timestamp() + $4 * interval '1 second')`,
      [workspaceId, modelId, failures, seconds],
    ),
  );

/** Does what PATCH /models/{id} and POST /models/{id}/resume do; returns the turns that were told. */
async function mend({ workspace }: Chat) {
  const { workspaceId } = workspace;
  await harness.database.inWorkspace(workspaceId, (em) => endModelRest(em, workspace));
  const turns = await harness.database.inWorkspace(workspaceId, (em) => rouseTurns(em, workspace));
  const starter = createWorkStarter(harness.client);
  await Promise.all(turns.map((turn) => starter.endRest(turn)));
  return turns.map(({ turnId }) => turnId);
}

const rests = (chat: Chat, turnId: string) =>
  until(
    async () => {
      const last = (await chat.events(turnId)).at(-1);
      return last?.kind === 'retrying' && Number(last.data['in_ms']) > 10_000 && last.data;
    },
    { what: 'the event that the turn rests' },
  );

/** Whether Temporal, too, has nothing to run: the turn rests in its workflow, and holds no slot of a worker. */
const isAtRest = (chat: Chat) =>
  until(
    async () => {
      const handle = harness.client.workflow.getHandle(workflowIds.conversation(chat.conversationId));
      const { raw } = await handle.describe().catch(() => ({ raw: null }));
      return raw !== null && (raw.pendingActivities ?? []).length === 0;
    },
    { what: 'a workflow that waits alone' },
  );

describe('a turn that waits for a model which rests', () => {
  test('says how to end the wait, and goes on at once when the model is mended, with one call', async () => {
    const chat = await harness.open();
    await tire(chat, 6, 240);
    const turnId = await chat.send('Patience');
    expect(await rests(chat, turnId)).toMatchObject({
      reason: 'circuit_open',
      hint: expect.stringContaining('POST /models/{id}/resume'),
    });
    await isAtRest(chat);
    expect(harness.provider.log()).toHaveLength(0);
    expect(await mend(chat)).toEqual([turnId]);
    expect(await chat.ended(turnId, 10_000)).toMatchObject({ state: 'completed', attempt: 1 });
    expect(harness.provider.log()).toHaveLength(1);
    expect(await mend(chat)).toEqual([]);
  });

  test('goes on likewise after its own call was the one that failed, also when that was begun early', async () => {
    const chat = await harness.open();
    await tire(chat, 4);
    harness.provider.control({ script: [{ failure: { kind: 'status', status: 500 } }] });
    const turnId = await chat.accept('Begun early');
    const { workspaceId } = chat.workspace;
    harness.worker.early.hear(
      writeTurnNews({ accepted: { workspaceId, conversationId: chat.conversationId, turnId } }),
    );
    await rests(chat, turnId);
    await chat.submit(turnId);
    await isAtRest(chat);
    expect(await mend(chat)).toEqual([turnId]);
    expect(await chat.ended(turnId, 10_000)).toMatchObject({ state: 'completed' });
    expect(harness.provider.log()).toHaveLength(2);
  });

  test('goes on likewise where the provider had asked for a pause', async () => {
    const chat = await harness.open();
    const { workspaceId, modelId } = chat.workspace;
    await harness.database.autocommit((em) => blockModelCalls(em, { workspaceId, modelId }, 300_000));
    const turnId = await chat.send('Slowly');
    expect(await rests(chat, turnId)).toMatchObject({ reason: 'provider_rate_limited' });
    await isAtRest(chat);
    await mend(chat);
    expect(await chat.ended(turnId, 10_000)).toMatchObject({ state: 'completed' });
  });

  test('ends at once when it is cancelled, and the next turn of the conversation waits for the model in its place', async () => {
    const chat = await harness.open();
    await tire(chat, 6, 240);
    const [first, second] = [await chat.send('One'), await chat.send('Two')];
    await rests(chat, first);
    await isAtRest(chat);
    await chat.cancel(first);
    expect(await chat.ended(first, 5_000)).toMatchObject({ state: 'cancelled' });
    await rests(chat, second);
    expect(await mend(chat)).toEqual([second]);
    expect(await chat.ended(second, 10_000)).toMatchObject({ state: 'completed' });
  });

  test('of a model that the agent cannot fall back to is left at rest', async () => {
    const chat = await harness.open();
    const other = await harness.open(chat.workspace);
    await tire(chat, 6, 240);
    const turnId = await chat.send('Patience');
    await rests(chat, turnId);
    const { workspaceId } = chat.workspace;
    const elsewhere = { workspaceId, modelId: workspaceId };
    expect(await harness.database.inWorkspace(workspaceId, (em) => rouseTurns(em, elsewhere))).toEqual([]);
    const early = await other.send('Beside it');
    await rests(other, early);
    expect((await mend(chat)).toSorted()).toEqual([turnId, early].toSorted());
    await Promise.all([chat.ended(turnId, 10_000), other.ended(early, 10_000)]);
  });
});
