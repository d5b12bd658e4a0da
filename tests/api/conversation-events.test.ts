import { beforeEach, describe, expect, jest, test } from '@jest/globals';
import { conversationEventSchema } from '../../contracts/conversation-event.ts';
import { turnsChannel } from '../../contracts/names/limits.ts';
import type { TurnEventKind } from '../../contracts/names/turn-events.ts';
import { workflowIds } from '../../contracts/names/workflows.ts';
import { acceptMessage } from '../../entities/conversations/conversation-repository.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents, type Events, type SeenEvent } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const api = testApi(() => ({ keepAliveMs: 50 }));
const uuid = '00000000-0000-7000-8000-000000000000';

let conversationId: string;
beforeEach(async () => {
  conversationId = (await api.call('POST', '/conversations', { body: {} })).json.id;
});

type Row = [seq: number, kind: TurnEventKind, data: Record<string, unknown>];

/** Commits a message with its turn as the API does; without a worker the API would wait for its workflow in vain. */
async function send(content = 'Why?'): Promise<string> {
  const { workspaceId } = api.tenant;
  const turnId = uuidV7();
  await api.database.inWorkspace(workspaceId, (em) =>
    acceptMessage(em, {
      ...{ workspaceId, conversationId, turnId, content },
      messageId: uuidV7(),
      workflowId: workflowIds.conversation(conversationId),
      clientMessageId: null,
    }),
  );
  return turnId;
}

/** Commits events of a turn as a worker does, ends it with a final one, and says so. */
async function append(turnId: string, rows: Row[]): Promise<void> {
  await api.database.asOperator(async (em) => {
    for (const [seq, kind, data] of rows)
      await query(
        em,
        `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data) values ($1, $2, $3, 1, $4, $5)`,
        [api.tenant.workspaceId, turnId, seq, kind, JSON.stringify(data)],
      );
    const state = { done: 'completed', cancelled: 'cancelled' }[rows.at(-1)![1] as string] ?? 'running';
    await query(
      em,
      `update turns set state = $2, completed_at = case when $2 = 'running' then null else now() end where id = $1`,
      [turnId, state],
    );
  });
  api.deps.notifier.notify(turnsChannel, [turnId]);
}

const words = (from: number, to: number): Row[] =>
  Array.from({ length: to - from + 1 }, (_, index) => [
    from + index,
    'text_delta',
    { step: 0, text: `w${from + index} ` },
  ]);
const done = (seq: number): Row => [seq, 'done', { message_id: uuid, sequence: 2 }];
const cancelled: Row = [1, 'cancelled', { message_id: null }];

const open = (search = '', headers: Record<string, string> = {}): Promise<Events> =>
  openEvents(api, `/conversations/${conversationId}/events${search}`, headers);
const seen = (events: Events, count: number) =>
  until(async () => events.seen.length >= count, { what: `${count} events` });
/** Turn and number in its stream of each event, 0 for the announcement. */
const places = (events: readonly SeenEvent[]) => events.map(({ data }) => [data.turn_id, data.seq ?? 0]);

describe('the events of a conversation', () => {
  test('are those of all its turns, as they come', async () => {
    const events = await open();
    const first = await send();
    await append(first, [...words(1, 2), done(3)]);
    await seen(events, 4);
    const second = await send('And then?');
    await append(second, words(1, 1));
    await seen(events, 6);
    await append(second, [done(2)]);
    await seen(events, 7);
    events.close();
    expect(places(events.seen)).toEqual([
      ...[0, 1, 2, 3].map((seq) => [first, seq]),
      ...[0, 1, 2].map((seq) => [second, seq]),
    ]);
    for (const event of events.seen) conversationEventSchema.parse(event);
    expect(events.seen[4]).toMatchObject({ event: 'turn_accepted', data: { number: 2, kind: 'message' } });
    expect(events.seen.at(-1)!.id).toBe('2.2');
  });

  test('resume exactly behind each of them, whatever was cancelled in between', async () => {
    const turns = [await send('1'), await send('2'), await send('3')] as const;
    await append(turns[0], words(1, 3));
    await append(turns[1], [cancelled]);
    const whole = await open();
    await seen(whole, 7);
    await append(turns[0], [done(4)]);
    await append(turns[2], [...words(1, 250), done(251)]);
    await seen(whole, 7 + 1 + 251);
    whole.close();
    const all = places(whole.seen);
    for (const index of [0, 1, 2, 3, 4, 5, 6, 7, 100, 257]) {
      const rest = await open('', { 'last-event-id': whole.seen[index]!.id! });
      await seen(rest, all.length - index - 1);
      rest.close();
      const missed = [...all.slice(0, index + 1), ...places(rest.seen)];
      expect(missed.map(String).toSorted()).toEqual(all.map(String).toSorted());
      // Within a turn the order is that of its events.
      for (const turn of turns)
        expect(places(rest.seen).filter(([id]) => id === turn)).toEqual(
          all
            .slice(index + 1)
            .filter(([id, seq]) => id === turn && !all.slice(0, index + 1).some(([a, b]) => a === id && b === seq)),
        );
    }
  });

  test('come turn by turn to one who comes late, as to any number of others', async () => {
    const turns: string[] = [];
    for (let turn = 0; turn < 60; turn += 1) {
      turns.push(await send(`${turn}`));
      await append(turns.at(-1)!, [...words(1, 2), done(3)]);
    }
    const watchers = await Promise.all([1, 2, 3].map(() => open()));
    for (const watcher of watchers) await seen(watcher, 240);
    const last = await send('last');
    await append(last, [done(1)]);
    for (const watcher of watchers) {
      await seen(watcher, 242);
      watcher.close();
      expect(places(watcher.seen)).toEqual([
        ...turns.flatMap((turn) => [0, 1, 2, 3].map((seq) => [turn, seq])),
        [last, 0],
        [last, 1],
      ]);
    }
  });

  test('begin with what is under way for one who asks for no more', async () => {
    await append(await send('old'), [...words(1, 5), done(6)]);
    const waiting = await send('waiting');
    await append(waiting, words(1, 2));
    await append(await send('cancelled'), [cancelled]);
    const events = await open('?from=now');
    await seen(events, 3);
    await append(waiting, [done(3)]);
    await seen(events, 4);
    events.close();
    expect(places(events.seen)).toEqual([0, 1, 2, 3].map((seq) => [waiting, seq]));
    expect(events.seen.at(-1)!.id).toBe('3.3');
  });

  test('tell that somebody waits for an approval', async () => {
    const events = await open();
    const turn = await send();
    const data = {
      call_id: uuid,
      approval_id: uuid,
      arguments_hash: 'a'.repeat(64),
      expires_at: '2026-12-22T00:00:00Z',
    };
    await append(turn, [[1, 'approval_required', data]]);
    await seen(events, 2);
    events.close();
    expect(events.seen[1]).toMatchObject({ event: 'approval_required', data: { ...data, turn_id: turn, seq: 1 } });
  });

  test('end when the conversation is deleted', async () => {
    const events = await open();
    await append(await send(), [done(1)]);
    await seen(events, 2);
    await api.call('DELETE', `/conversations/${conversationId}`);
    expect((await events.ended).at(-1)).toEqual({ id: null, event: 'deleted', data: { id: conversationId } });
    expectProblem(await api.call('GET', `/conversations/${conversationId}/events`), 'not_found');
  });

  test('are kept alive by comments while nothing happens', async () => {
    const events = await open();
    await until(async () => (events.text().match(/^: keep-alive$/gm) ?? []).length >= 3, { what: 'three comments' });
    events.close();
    expect(events.seen).toEqual([]);
  });

  test('are refused behind what is no event, and to other users', async () => {
    expectProblem(
      await api.call('GET', `/conversations/${conversationId}/events`, { headers: { 'last-event-id': '17' } }),
      'bad_request',
    );
    expectProblem(
      await api.call('GET', `/conversations/${conversationId}/events`, { headers: { 'x-perdure-user': 'eve' } }),
      'not_found',
    );
  });
});

test('turns are numbered without a gap, also when many come at once', async () => {
  const turns = await Promise.all(Array.from({ length: 20 }, (_, index) => send(`${index}`)));
  const rows = await api.database.asOperator((em) =>
    query<{ number: number }>(em, 'select number from turns where id = any($1::uuid[]) order by number', [turns]),
  );
  expect(rows.map(({ number }) => number)).toEqual(turns.map((_, index) => index + 1));
});
