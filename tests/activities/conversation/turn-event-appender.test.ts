import { describe, expect, test } from '@jest/globals';
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
  test('the first event goes out at once; those that come meanwhile share the next statement', async () => {
    const to = sink();
    to.gate = to.hold();
    const appender = createTurnEventAppender(to);
    const appended = [
      appender.append([event('a', 1)]),
      appender.append([event('a', 2)]),
      appender.append([event('b', 1)]),
    ];
    expect(to.statements).toHaveLength(1);
    expect(to.woken).toEqual([]);
    to.release();
    await Promise.all(appended);
    expect(to.statements.map((statement) => statement.map((each) => `${each.turnId}${each.seq}`))).toEqual([
      ['a1'],
      ['a2', 'b1'],
    ]);
    expect(to.woken).toEqual([['a'], ['a', 'b']]);
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
