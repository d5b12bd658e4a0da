import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { turnsChannel } from '../../contracts/names/limits.ts';
import type { TurnEventKind } from '../../contracts/names/turn-events.ts';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { openEvents } from '../support/api/open-events.ts';
import { testApi } from '../support/api/test-api.ts';
import { until } from '../support/until.ts';

let operatorStatements = 0;
const api = testApi(({ database }) => ({
  corsOrigins: ['https://chat.example'],
  database: {
    ...database,
    asOperator: (work) => {
      operatorStatements += 1;
      return database.asOperator(work);
    },
  },
}));

let turnId: string;
let conversationId: string;
beforeEach(async () => {
  conversationId = (await api.call('POST', '/conversations', { body: {} })).json.id;
  const sent = await api.call('POST', `/conversations/${conversationId}/messages`, { body: { content: 'Why?' } });
  turnId = sent.json.turn.id;
});

type Row = [seq: number, kind: TurnEventKind, data: Record<string, unknown>];

/** Commits events of the turn as a worker does, and says so unless told not to. */
async function append(rows: Row[], { notify = true } = {}): Promise<void> {
  await api.database.asOperator(async (em) => {
    for (const [seq, kind, data] of rows)
      await query(
        em,
        `insert into turn_events (workspace_id, turn_id, seq, attempt, kind, data) values ($1, $2, $3, 1, $4, $5)`,
        [api.tenant.workspaceId, turnId, seq, kind, JSON.stringify(data)],
      );
  });
  if (notify) api.deps.notifier.notify(turnsChannel, [turnId]);
}

const endTurn = (state: string) =>
  api.database.asOperator((em) =>
    query(
      em,
      `update turns set state = $2, error = '{"code": "internal", "detail": "x"}', completed_at = now() where id = $1`,
      [turnId, state],
    ),
  );
const words = (from: number, to: number): Row[] =>
  Array.from({ length: to - from + 1 }, (_, index) => [from + index, 'text_delta', { text: `word ${from + index} ` }]);
const seen = (count: number, events: { seen: unknown[] }) =>
  until(async () => events.seen.length >= count, { what: `${count} events` });

describe('the events of a turn', () => {
  test('come in order with their ids, and end after the final one', async () => {
    const events = await openEvents(api, `/turns/${turnId}/events`);
    expect(events.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    await append([[1, 'turn_started', { attempt: 1 }]]);
    await seen(1, events);
    await append([...words(2, 4), [5, 'done', { message_id: 'm', sequence: 2 }]]);
    const all = await events.ended;
    expect(all.map((event) => event.id)).toEqual(['1', '2', '3', '4', '5']);
    expect(all.at(-1)).toEqual({ id: '5', event: 'done', data: { message_id: 'm', sequence: 2 } });
  });

  test('reach a watcher soon after their commit', async () => {
    const events = await openEvents(api, `/turns/${turnId}/events`);
    const delays: number[] = [];
    for (let seq = 1; seq <= 10; seq += 1) {
      await append(words(seq, seq), { notify: false });
      const began = performance.now();
      api.deps.notifier.notify(turnsChannel, [turnId]);
      await until(async () => events.seen.length >= seq, { what: `event ${seq}`, everyMs: 1 });
      delays.push(performance.now() - began);
    }
    events.close();
    // Far below the two seconds of the safety net: it is the notification that wakes.
    expect(delays.toSorted((a, b) => a - b)[5]).toBeLessThan(200);
  });

  test('are the same for several watchers, early and late ones', async () => {
    const early = await Promise.all([1, 2, 3].map(() => openEvents(api, `/turns/${turnId}/events`)));
    await append(words(1, 300));
    await seen(300, early[0]!);
    const late = await openEvents(api, `/turns/${turnId}/events`);
    await append([[301, 'done', {}]]);
    const all = await Promise.all([...early, late].map((events) => events.ended));
    expect(all[0]).toHaveLength(301);
    for (const other of all) expect(other).toEqual(all[0]);
  });

  test.each([
    ['the header Last-Event-ID', '', { 'last-event-id': '2' }],
    ['the query last_event_id', '?last_event_id=2', {}],
  ])('go on behind %s', async (_name, search, headers) => {
    await append([...words(1, 4), [5, 'done', {}]]);
    const events = await openEvents(api, `/turns/${turnId}/events${search}`, headers);
    expect((await events.ended).map((event) => event.id)).toEqual(['3', '4', '5']);
  });

  test('are over (204) for a client that has seen the last one', async () => {
    await append([...words(1, 2), [3, 'done', {}]]);
    await endTurn('completed');
    const began = performance.now();
    const events = await openEvents(api, `/turns/${turnId}/events`, { 'last-event-id': '3' });
    expect(events.status).toBe(204);
    expect(await events.ended).toEqual([]);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('end for a turn that ended without a final event', async () => {
    await append(words(1, 2));
    await endTurn('failed');
    const events = await openEvents(api, `/turns/${turnId}/events`);
    expect(await events.ended).toHaveLength(2);
  });

  test('come without any notification, by the safety net', async () => {
    const events = await openEvents(api, `/turns/${turnId}/events`);
    await append([[1, 'done', {}]], { notify: false });
    expect(await events.ended).toHaveLength(1);
  });

  test('go on after the listening connection was cut', async () => {
    const events = await openEvents(api, `/turns/${turnId}/events`);
    await append(words(1, 1));
    await seen(1, events);
    const admin = new pg.Client({ connectionString: api.databaseUrl });
    await admin.connect();
    const cut = await admin.query(
      `select pg_terminate_backend(pid) as cut from pg_stat_activity where application_name = 'perdure-api-listener'
       and datname = current_database()`,
    );
    expect(cut.rows).toEqual([{ cut: true }]);
    await append(words(2, 2));
    await seen(2, events);
    // The new connection listens again.
    await until(
      async () =>
        (
          await admin.query(
            `select 1 from pg_stat_activity where application_name = 'perdure-api-listener' and query like 'listen%'
             and datname = current_database()`,
          )
        ).rows.length > 0,
      { what: 'the new listener' },
    );
    await admin.end();
    await append([[3, 'done', {}]]);
    expect(await events.ended).toHaveLength(3);
  });

  test('outlive the loss of every connection to the database', async () => {
    const events = await openEvents(api, `/turns/${turnId}/events`);
    const admin = new pg.Client({ connectionString: api.databaseUrl });
    await admin.connect();
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await admin.end();
    await append([
      [1, 'text_delta', { text: 'a' }],
      [2, 'done', {}],
    ]);
    expect(await events.ended).toHaveLength(2);
  });

  test('wait for a client that does not read, and lose nothing', async () => {
    const text = 'x'.repeat(20_000);
    await append(Array.from({ length: 3000 }, (_, index): Row => [index + 1, 'text_delta', { text }]));
    await append([[3001, 'done', {}]]);
    const received = await readSlowly(`${api.url}/turns/${turnId}/events`, api.tenant.key);
    const ids = [...received.text.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
    expect(ids).toEqual(Array.from({ length: 3001 }, (_, index) => index + 1));
    // Sixty megabytes wait in 31 statements. What the kernel's buffers hold is read ahead, not what the client has yet to take.
    expect(received.readAhead).toBeLessThan(15);
  });

  test('with a Last-Event-ID that is none are refused', async () => {
    expectProblem(
      await api.call('GET', `/turns/${turnId}/events`, { headers: { 'last-event-id': 'x' } }),
      'bad_request',
    );
  });
});

describe('a page of another origin', () => {
  const headers = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' };

  test('that is allowed may ask without a key whether it may ask, and read what it gets', async () => {
    const asked = await fetch(`${api.url}/turns/${turnId}/events`, {
      method: 'OPTIONS',
      headers: { origin: 'https://chat.example', ...headers },
    });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, 'https://chat.example']);
    expect(asked.headers.get('access-control-allow-headers')).toContain('last-event-id');
    await append([[1, 'done', {}]]);
    const events = await openEvents(api, `/turns/${turnId}/events`, { origin: 'https://chat.example' });
    expect(events.headers.get('access-control-allow-origin')).toBe('https://chat.example');
    expect(await events.ended).toHaveLength(1);
  });

  test('that is not allowed gets no leave', async () => {
    const asked = await fetch(`${api.url}/turns/${turnId}`, {
      method: 'OPTIONS',
      headers: { origin: 'https://evil.example', ...headers },
    });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([401, null]);
  });
});

/** Opens a stream, reads nothing for a while, then everything; tells how many statements the server made meanwhile. */
async function readSlowly(url: string, key: string): Promise<{ text: string; readAhead: number }> {
  const before = operatorStatements;
  const outgoing = request(url, { headers: { authorization: `Bearer ${key}` } }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.pause();
  await new Promise((rest) => setTimeout(rest, 1_500));
  const readAhead = operatorStatements - before;
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += part as string;
  return { text: text.replaceAll(/x{100,}/g, ''), readAhead };
}
