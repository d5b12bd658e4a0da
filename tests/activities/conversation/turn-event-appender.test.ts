import { setImmediate as nextRound } from 'node:timers/promises';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { createTurnEventAppender } from '../../../activities/conversation/turn-event-appender.ts';
import type { AppendVerdict, TurnEventToAppend } from '../../../entities/conversations/turn-event-repository.ts';

const event = (turnId: string, seq: number): TurnEventToAppend => ({
  workspaceId: 'w',
  turnId,
  attempt: 1,
  seq,
  kind: 'text_delta',
  data: { text: `${seq}` },
});

function sink() {
  const statements: TurnEventToAppend[][] = [];
  const woken: string[][] = [];
  let release: (() => void) | null = null;
  let failNext: Error | null = null;
  return {
    statements,
    woken,
    hold: () => new Promise<void>((resolve) => (release = resolve)),
    fail: (error: Error) => (failNext = error),
    release: () => release?.(),
    gate: null as Promise<void> | null,
    async append(events: readonly TurnEventToAppend[]): Promise<AppendVerdict[]> {
      statements.push([...events]);
      await this.gate;
      if (failNext) {
        const error = failNext;
        failNext = null;
        throw error;
      }
      return [...new Set(events.map((each) => each.turnId))].map((turnId) => ({
        turnId,
        live: turnId !== 'overtaken',
        cancelRequested: turnId === 'cancelled',
      }));
    },
    wake: (turnIds: readonly string[]) => woken.push([...turnIds]),
  };
}

describe('createTurnEventAppender', () => {
  afterEach(() => {
    jest.useRealTimers();
  });

  test('events that come together share a statement; those that come while it runs share the next one', async () => {
    const to = sink();
    to.gate = to.hold();
    const appender = createTurnEventAppender(to);
    const first = [appender.append([event('a', 1)]), appender.append([event('c', 1)])];
    await nextRound();
    expect(to.statements).toHaveLength(1);
    const later = [appender.append([event('a', 2)]), appender.append([event('b', 1)])];
    expect(to.statements).toHaveLength(1);
    expect(to.woken).toEqual([]);
    to.release();
    await Promise.all([...first, ...later]);
    expect(to.statements.map((statement) => statement.map((each) => `${each.turnId}${each.seq}`))).toEqual([
      ['a1', 'c1'],
      ['a2', 'b1'],
    ]);
    expect(to.woken).toEqual([
      ['a', 'c'],
      ['a', 'b'],
    ]);
  });

  test('a begin is told of after 40 ms, or with the first events, whichever comes before', async () => {
    jest.useFakeTimers({ doNotFake: ['setImmediate'] });
    const to = sink();
    const appender = createTurnEventAppender(to);
    appender.tellSoon('quick');
    appender.tellSoon('slow');
    await jest.advanceTimersByTimeAsync(39);
    expect(to.woken).toEqual([]);
    await appender.append([event('quick', 1)]);
    expect(to.woken).toEqual([['quick']]);
    await jest.advanceTimersByTimeAsync(1000);
    expect(to.woken).toEqual([['quick'], ['slow']]);
  });

  test('each turn gets the verdict of its own fence', async () => {
    const appender = createTurnEventAppender(sink());
    const verdicts = await Promise.all(
      ['fine', 'overtaken', 'cancelled'].map((turnId) => appender.append([event(turnId, 1)])),
    );
    expect(verdicts.map(({ live, cancelRequested }) => [live, cancelRequested])).toEqual([
      [true, false],
      [false, false],
      [true, true],
    ]);
  });

  test('a statement that fails fails its events and wakes nobody; the next one runs', async () => {
    const to = sink();
    to.fail(new Error('the database went away'));
    const appender = createTurnEventAppender(to);
    await expect(appender.append([event('a', 1)])).rejects.toThrow('the database went away');
    expect(to.woken).toEqual([]);
    await expect(appender.append([event('a', 2)])).resolves.toMatchObject({ live: true });
  });
});
