import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { beginAttempt, type Attempt } from '../../../activities/conversation/begin-attempt.ts';
import { commitAnswer } from '../../../activities/conversation/commit-answer.ts';
import type { ConversationDeps } from '../../../activities/conversation/conversation-deps.ts';
import { createEndTurn } from '../../../activities/conversation/end-turn.ts';
import { beginModelStep } from '../../../activities/conversation/plan-model-call.ts';
import type { StreamedAnswer } from '../../../activities/conversation/stream-answer.ts';
import { callIdOf } from '../../../activities/conversation/call-id.ts';
import type { TurnInput } from '../../../contracts/names/workflows.ts';
import { readPromptSource } from '../../../entities/conversations/prompt-source-repository.ts';
import { acceptMessage } from '../../../entities/conversations/conversation-repository.ts';
import { query } from '../../../entities/sql.ts';
import { appendTurnEvents, readTurnEvents } from '../../../entities/conversations/turn-event-repository.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { createConversation, createWorkspace } from '../../support/workspaces/create-workspace.ts';

const rows = testDatabase();
let database: Database;
let deps: ConversationDeps;
beforeAll(() => {
  database = createDatabase({ DATABASE_URL: rows.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  const unused = () => {
    throw new Error('No model is called here');
  };
  deps = {
    database,
    chatModel: () => ({
      provider: 'test',
      id: 'test',
      contextWindow: 8192,
      supportsTools: false,
      stream: unused,
    }),
    embeddingModel: unused,
    tools: { resolve: unused, open: unused },
    approvalMs: 1000,
    turnEvents: { append: unused, tellSoon: unused },
    wakeTurns: () => {},
    metrics: { turnFinished: () => {}, firstToken: () => {}, modelFailed: () => {} },
  };
});
afterAll(() => database?.close());

async function acceptedTurn(): Promise<TurnInput> {
  const workspace = await createWorkspace(database);
  const conversationId = await createConversation(database, workspace);
  const turnId = v7();
  await database.inWorkspace(workspace.workspaceId, (em) =>
    acceptMessage(em, {
      workspaceId: workspace.workspaceId,
      conversationId,
      messageId: v7(),
      turnId,
      workflowId: `conversation/${conversationId}`,
      clientMessageId: null,
      content: 'Question',
    }),
  );
  return { workspaceId: workspace.workspaceId, conversationId, turnId };
}

type Begun = Attempt & { nextSeq: number };

async function begin(turn: TurnInput, run = { runId: v7(), activityId: '1', attempt: 1 }): Promise<Begun> {
  return database.inWorkspace(turn.workspaceId, async (em) => {
    const begun = await beginAttempt(em, turn, run);
    if (!('attempt' in begun)) throw new Error(`There is no attempt to make: ${JSON.stringify(begun)}`);
    const source = (await readPromptSource(em, turn.turnId))!;
    const { nextSeq } = await beginModelStep(deps, em, begun.attempt, begun.opening, { source, tools: [] });
    return { ...begun.attempt, nextSeq };
  });
}

const append = async (attempt: Attempt, seq: number, text: string) => {
  const [verdict] = await database.autocommit((em) =>
    appendTurnEvents(em, [{ ...attempt, attempt: attempt.attempt, seq, kind: 'text_delta', data: { text } }]),
  );
  return verdict;
};

const answerOf = (attempt: Attempt, text: string): StreamedAnswer => ({
  text,
  toolCalls: [],
  usage: { promptTokens: 3, completionTokens: 2, totalTokens: 5 },
  finish: 'stop',
  callId: callIdOf(attempt.turnId, attempt.step, attempt.attempt),
  responseModel: null,
});

const events = async (turn: TurnInput) =>
  (await database.asOperator((em) => readTurnEvents(em, [{ ...turn, after: 0 }], 1000))).map((row) => row.event);

const contents = (turn: TurnInput) =>
  database.inWorkspace(turn.workspaceId, (em) =>
    query<{ sender: string; content: string }>(
      em,
      `select sender, content from messages where conversation_id = $1 order by sequence`,
      [turn.conversationId],
    ),
  );

describe('an attempt that was overtaken', () => {
  test('appends nothing, commits nothing, and its call is unknown; the text stored is that of the newer attempt', async () => {
    const turn = await acceptedTurn();
    const zombie = await begin(turn);
    expect(await append(zombie, zombie.nextSeq, 'half an ')).toMatchObject({ live: true });
    const heir = await begin(turn);
    expect(heir.attempt).toBe(2);

    expect(await append(zombie, zombie.nextSeq + 1, 'answer')).toMatchObject({ live: false });
    await expect(commitAnswer(deps, zombie, [], answerOf(zombie, 'half an answer'))).rejects.toMatchObject({
      type: 'fenced',
      nonRetryable: true,
    });
    expect(await append(heir, heir.nextSeq, 'whole')).toMatchObject({ live: true });
    await commitAnswer(deps, heir, [], answerOf(heir, 'whole'));

    expect(await contents(turn)).toEqual([
      { sender: 'user', content: 'Question' },
      { sender: 'assistant', content: 'whole' },
    ]);
    expect((await events(turn)).map((event) => `${event.seq} ${event.kind} ${event.attempt}`)).toEqual([
      '1 turn_started 1',
      '2 step_started 1',
      '3 text_delta 1',
      '4 reset 2',
      '5 step_started 2',
      '6 text_delta 2',
      '7 usage 2',
      '8 done 2',
    ]);
    const usage = await database.inWorkspace(turn.workspaceId, (em) =>
      query(em, `select attempt, state, total_tokens from usage_metrics where turn_id = $1 order by attempt`, [
        turn.turnId,
      ]),
    );
    expect(usage).toEqual([
      { attempt: 1, state: 'unknown', total_tokens: null },
      { attempt: 2, state: 'settled', total_tokens: 5 },
    ]);
  });

  test('a commit that is run twice is refused the second time, and there is one answer', async () => {
    const turn = await acceptedTurn();
    const attempt = await begin(turn);
    await append(attempt, attempt.nextSeq, 'once');
    await commitAnswer(deps, attempt, [], answerOf(attempt, 'once'));
    await expect(commitAnswer(deps, attempt, [], answerOf(attempt, 'once'))).rejects.toMatchObject({ type: 'fenced' });
    expect(await contents(turn)).toHaveLength(2);
  });

  test('an append that is repeated because its outcome was unknown is there once', async () => {
    const turn = await acceptedTurn();
    const attempt = await begin(turn);
    await append(attempt, attempt.nextSeq, 'once');
    expect(await append(attempt, attempt.nextSeq, 'once')).toMatchObject({ live: true });
    expect((await events(turn)).filter((event) => event.kind === 'text_delta')).toHaveLength(1);
  });

  test('ending a turn fences the attempt, keeps what was said when cancelled, and happens once', async () => {
    const turn = await acceptedTurn();
    const attempt = await begin(turn);
    await append(attempt, attempt.nextSeq, 'so far');
    const endTurn = createEndTurn(deps);
    expect(await endTurn(turn, { state: 'cancelled', code: 'cancelled' })).toEqual({ state: 'cancelled' });
    expect(await endTurn(turn, { state: 'failed', code: 'unavailable' })).toEqual({ state: 'cancelled' });
    expect(await append(attempt, attempt.nextSeq + 1, ' and more')).toMatchObject({ live: false });
    expect((await contents(turn)).at(-1)).toEqual({ sender: 'assistant', content: 'so far' });
    expect((await events(turn)).map((event) => event.kind)).toEqual([
      'turn_started',
      'step_started',
      'text_delta',
      'cancelled',
    ]);
  });

  test('a worker that was frozen before it began does not take the turn from its own successor', async () => {
    const turn = await acceptedTurn();
    const runId = v7();
    const heir = await begin(turn, { runId, activityId: '1', attempt: 2 });
    await expect(begin(turn, { runId, activityId: '1', attempt: 1 })).rejects.toMatchObject({ type: 'fenced' });
    expect(await append(heir, heir.nextSeq, 'whole')).toMatchObject({ live: true });
    await commitAnswer(deps, heir, [], answerOf(heir, 'whole'));
    expect((await contents(turn)).at(-1)).toEqual({ sender: 'assistant', content: 'whole' });
  });
});
