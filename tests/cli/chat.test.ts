import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '../support/until.ts';
import { runCli } from './run-cli.ts';
import { sendJson, sse, startScriptedApi, type SeenRequest } from './scripted-api.ts';

let api: Awaited<ReturnType<typeof startScriptedApi>>;
afterEach(() => api.close());

const call = {
  id: 'call-1',
  tool: { name: 'pay' },
  arguments: { note: 'x' },
  arguments_hash: 'a'.repeat(64),
  state: 'proposed',
};
const approval = {
  id: 'a-1',
  state: 'waiting',
  user: 'ada',
  expires_at: '2026-12-01T00:00:00.000Z',
  decided_by: null,
  decided_at: null,
  comment: null,
  tool_call: call,
};

/** An API with one call that waits; the turn ends when it is decided. */
async function start(): Promise<SeenRequest[]> {
  let decided: (() => void) | null = null;
  api = await startScriptedApi(({ path, method }, response) => {
    if (path === '/conversations') return sendJson(response, 201, { id: 'c-1' });
    if (path.endsWith('/messages')) return sendJson(response, 202, { message: { id: 'm-1' }, turn: { id: 't-1' } });
    if (path.startsWith('/approvals')) return sendJson(response, 200, { data: [approval], next_cursor: null });
    if (path === '/turns/t-1/cancel') return sendJson(response, 202, { id: 't-1' });
    if (path === '/tool-calls/call-1') return sendJson(response, 200, call);
    if (method === 'POST' && path.startsWith('/tool-calls/call-1/')) {
      const state = path.endsWith('approve') ? 'approved' : 'denied';
      sendJson(response, 200, { ...call, state, approval: { ...approval, state } });
      return decided?.();
    }
    if (path !== '/turns/t-1/events') return sendJson(response, 404, { detail: 'There is no such resource.' });
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(
      sse(1, 'text_delta', { text: 'Let me see.', step: 0 }) +
        sse(2, 'tool_call_proposed', { call_id: 'call-1', name: 'pay', arguments: { note: 'x' } }) +
        sse(3, 'approval_required', { call_id: 'call-1', approval_id: 'a-1', arguments_hash: 'a'.repeat(64) }),
    );
    decided = () =>
      response.end(
        sse(4, 'text_delta', { text: '\n\nPaid.', step: 1 }) + sse(5, 'done', { message_id: 'a', sequence: 2 }),
      );
  });
  return api.seen;
}

const posted = (seen: SeenRequest[], path: string) => seen.filter((one) => one.method === 'POST' && one.path === path);

describe('perdure chat', () => {
  test('asks for the approval where it comes up, and goes on with the answer', async () => {
    const seen = await start();
    const run = await runCli(['chat'], { url: api.url, input: 'Buy it\nperhaps\ny\n' });
    expect(run.code).toBe(0);
    expect(run.out).toBe('Let me see.\n\nPaid.\n');
    expect(posted(seen, '/conversations/c-1/messages').map(({ body }) => body)).toMatchObject([{ content: 'Buy it' }]);
    expect(posted(seen, '/tool-calls/call-1/approve').map(({ body }) => body)).toEqual([
      { arguments_hash: 'a'.repeat(64) },
    ]);
  });

  test('denies, too', async () => {
    const seen = await start();
    await runCli(['chat', '--conversation', 'c-1'], { url: api.url, input: 'Buy it\nno\n' });
    expect(posted(seen, '/tool-calls/call-1/deny')).toHaveLength(1);
    expect(posted(seen, '/conversations')).toHaveLength(0);
  });
});

describe('Ctrl-C in perdure chat', () => {
  /** A keyboard whose keys the test presses. */
  const keyboard = () => Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const isAsked = (seen: SeenRequest[], path: string) =>
    until(async () => seen.some((one) => one.path === path), { what: path });

  test('cancels the answer, says so, and ends the chat only where none is under way', async () => {
    const seen = await start();
    const keys = keyboard();
    const run = runCli(['chat'], { url: api.url, input: keys });
    keys.write('Buy it\r');
    await isAsked(seen, '/turns/t-1/events');
    keys.write('\u0003');
    await isAsked(seen, '/turns/t-1/cancel');
    const watched = () => seen.filter(({ path }) => path === '/turns/t-1/events').length;
    const before = watched();
    keys.write('Buy something else\r');
    await until(async () => watched() > before, { what: 'the next answer' });
    expect(posted(seen, '/conversations/c-1/messages')).toHaveLength(2);
    keys.write('\u0003');
    await until(async () => posted(seen, '/turns/t-1/cancel').length === 2, { what: 'the second cancel' });
    keys.write('\u0003');
    const { code, err } = await run;
    expect(code).toBe(0);
    expect(err.match(/Cancelled\./g)).toHaveLength(2);
    expect(posted(seen, '/tool-calls/call-1/approve')).toEqual([]);
  });

  test('leaves an answer waiting whose approval was put off', async () => {
    const seen = await start();
    const keys = keyboard();
    let notes = '';
    const run = runCli(['chat'], { url: api.url, input: keys, hear: (text) => (notes = text) });
    const isTold = (what: string) => until(async () => notes.includes(what), { what });
    keys.write('Buy it\r');
    await isAsked(seen, '/turns/t-1/events');
    keys.write('later\r');
    await isTold('It waits: perdure approvals approve call-1');
    keys.write('\u0003');
    await isTold('perdure watch c-1');
    keys.write('\u0003');
    expect((await run).code).toBe(0);
    expect(posted(seen, '/turns/t-1/cancel')).toEqual([]);
  });

  test('as a signal of the process cancels the answer too', async () => {
    const seen = await start();
    const stop = new AbortController();
    const keys = keyboard();
    const run = runCli(['chat'], { url: api.url, input: keys, signal: stop.signal });
    keys.write('Buy it\r');
    await isAsked(seen, '/turns/t-1/events');
    stop.abort();
    expect(await run).toMatchObject({ code: 130, err: expect.stringContaining('Cancelled.') });
    expect(posted(seen, '/turns/t-1/cancel')).toHaveLength(1);
  });
});

describe('perdure watch', () => {
  test('shows the turns of a conversation, whoever asked for them, and what waits', async () => {
    const turn = { turn_id: 't-1' };
    api = await startScriptedApi(({ path }, response) => {
      if (!path.startsWith('/conversations/c-1/events'))
        return sendJson(response, 404, { detail: 'No such resource.' });
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(
        [
          sse(1, 'turn_accepted', { ...turn, number: 1, content: 'Buy it' }),
          sse(2, 'text_delta', { ...turn, text: 'Let me see.', step: 0 }),
          sse(3, 'tool_call_proposed', { ...turn, call_id: 'call-1', name: 'pay', arguments: { note: 'x' } }),
          sse(4, 'approval_required', { ...turn, call_id: 'call-1', approval_id: 'a-1', arguments_hash: 'a' }),
          sse(5, 'turn_accepted', { turn_id: 't-2', number: 2, content: 'Never mind' }),
          sse(6, 'cancelled', { turn_id: 't-2', message_id: null }),
          sse(7, 'done', { ...turn, message_id: 'a', sequence: 2 }),
          sse(8, 'deleted', { id: 'c-1' }),
        ].join(''),
      );
    });
    const run = await runCli(['watch', 'c-1', '--all'], { url: api.url });
    expect(run.code).toBe(0);
    expect(run.out).toBe('> Buy it\n> Never mind\nLet me see.\n\n');
    expect(run.err).toMatch(/pay\(\{"note":"x"\}\) waits for approval: .*approvals approve call-1/);
    expect(run.err).toContain('The turn was cancelled.');
    expect(run.err).toContain('The conversation was deleted.');
    expect(api.seen[0]!.path).toBe('/conversations/c-1/events?from=beginning');
    const lines = await runCli(['watch', 'c-1', '--json'], { url: api.url });
    expect(lines.out.trim().split('\n')).toHaveLength(8);
  });

  test('needs a conversation', async () => {
    await start();
    expect((await runCli(['watch'], { url: api.url })).code).toBe(2);
  });
});

describe('perdure approvals', () => {
  test('lists what waits, with its arguments and until when', async () => {
    await start();
    const run = await runCli(['approvals'], { url: api.url });
    expect(run).toEqual({
      code: 0,
      out: 'call-1  waiting   pay({"note":"x"})\n    for ada, until 2026-12-01T00:00:00.000Z\n',
      err: '',
    });
  });

  test('approves with changed arguments and denies with a comment, bound to what the call holds', async () => {
    const seen = await start();
    const run = await runCli(['approvals', 'approve', 'call-1', '--arguments', '{"note":"y"}'], { url: api.url });
    expect(run.out).toBe('approved  pay({"note":"x"})\n');
    await runCli(['approvals', 'deny', 'call-1', '--comment', 'Too dear'], { url: api.url });
    const decisions = seen.filter(({ method }) => method === 'POST').map(({ path, body }) => [path, body]);
    expect(decisions).toEqual([
      ['/tool-calls/call-1/approve', { arguments_hash: 'a'.repeat(64), arguments: { note: 'y' } }],
      ['/tool-calls/call-1/deny', { arguments_hash: 'a'.repeat(64), comment: 'Too dear' }],
    ]);
  });

  test('says what is wrong with how it was called', async () => {
    await start();
    expect((await runCli(['approvals', 'maybe', 'call-1'], { url: api.url })).code).toBe(2);
    const run = await runCli(['approvals', 'approve', 'call-1', '--arguments', '{'], { url: api.url });
    expect([run.code, run.err]).toEqual([2, expect.stringContaining('--arguments is no JSON')]);
  });
});
