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

test('an announced turn is brought after 150 ms where nobody begins to answer it', async () => {
  const { brought, submitter, after, hear } = open();
  submitter.announceTurn(turn('a'));
  await submitter.submitTurn(turn('a'));
  hear('another');
  hear(null);
  await after(149);
  expect(brought).toEqual([]);
  await after(1);
  expect(brought).toEqual(['a']);
});

test('an announced turn is brought 25 ms after the first news of it, whatever follows', async () => {
  const { brought, submitter, after, hear } = open();
  submitter.announceTurn(turn('a'));
  await submitter.submitTurn(turn('a'));
  await after(50);
  hear('a');
  await after(24);
  hear('a');
  expect(brought).toEqual([]);
  await after(1);
  expect(brought).toEqual(['a']);
});

test('turns that come together are brought when each of them has said something', async () => {
  const { brought, submitter, after, hear } = open();
  for (const id of ['a', 'b', 'c']) {
    submitter.announceTurn(turn(id, id));
    await submitter.submitTurn(turn(id, id));
  }
  await after(50);
  hear('a');
  await after(50);
  hear('c');
  await after(30);
  expect(brought).toEqual([]);
  hear('b');
  await after(0);
  expect(brought.toSorted()).toEqual(['a', 'c']);
  await after(25);
  expect(brought.at(-1)).toBe('b');
});

test('a turn waits for others for no more than 600 ms, and for none that is older than 400 ms', async () => {
  const { brought, submitter, after, hear } = open();
  const announce = async (id: string) => {
    submitter.announceTurn(turn(id, id));
    await submitter.submitTurn(turn(id, id));
  };
  await announce('slow');
  await announce('a');
  hear('a');
  await after(399);
  expect(brought).toEqual(['slow']);
  await after(1);
  expect(brought).toEqual(['slow', 'a']);
  await announce('b');
  hear('b');
  for (let n = 0; n < 6; n += 1) {
    await announce(`other-${n}`);
    await after(99);
  }
  expect(brought).not.toContain('b');
  await after(10);
  expect(brought).toContain('b');
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
