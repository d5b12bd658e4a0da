import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createTurnSubmitter } from '../../platform/turn-submitter.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const turn = (turnId: string, conversationId = 'one') => ({
  workspaceId: 'workspace',
  conversationId,
  agentId: 'agent',
  turnId,
});

function open() {
  const brought: string[] = [];
  let wake: (turnId: string | null) => void = () => {};
  const submitter = createTurnSubmitter({
    notifier: { notify: () => {} },
    notifications: {
      subscribe(_channel, heard) {
        wake = heard;
        return () => {};
      },
    },
    submit: async ({ turnId }) => void brought.push(turnId),
    onFailure: (_turn, error) => {
      throw error;
    },
  });
  const after = (milliseconds: number) => jest.advanceTimersByTimeAsync(milliseconds);
  return { brought, submitter, after, hear: (turnId: string | null) => wake(turnId) };
}

test('a turn that was not announced is brought at once', async () => {
  const { brought, submitter } = open();
  await submitter.submitTurn(turn('a'));
  expect(brought).toEqual(['a']);
});

test('an announced turn is brought after 60 ms where nobody begins to answer it', async () => {
  const { brought, submitter, after, hear } = open();
  submitter.announceTurn(turn('a'));
  await submitter.submitTurn(turn('a'));
  hear('another');
  hear(null);
  await after(59);
  expect(brought).toEqual([]);
  await after(1);
  expect(brought).toEqual(['a']);
});

test('an announced turn is brought 25 ms after its first text, and 300 ms after its commit at the latest', async () => {
  const { brought, submitter, after, hear } = open();
  for (const id of ['a', 'b']) {
    submitter.announceTurn(turn(id, id));
    await submitter.submitTurn(turn(id, id));
  }
  await after(50);
  hear('a');
  hear('b');
  await after(100);
  hear('a');
  await after(24);
  expect(brought).toEqual([]);
  await after(1);
  hear('a');
  expect(brought).toEqual(['a']);
  await after(125);
  expect(brought).toEqual(['a', 'b']);
});

test('the next turn of a conversation ends the wait of the one before, and comes behind it', async () => {
  const { brought, submitter } = open();
  submitter.announceTurn(turn('a'));
  submitter.announceTurn(turn('other', 'two'));
  await submitter.submitTurn(turn('a'));
  await submitter.submitTurn(turn('other', 'two'));
  await submitter.submitTurn(turn('b'));
  expect(brought).toEqual(['a', 'b']);
  await submitter.drain();
  expect(brought).toEqual(['a', 'b', 'other']);
});
