import { afterEach, describe, expect, test } from '@jest/globals';
import type { ServerResponse } from 'node:http';
import { runCli } from './run-cli.ts';
import { sendJson, sse, startScriptedApi } from './scripted-api.ts';
import type { SeenRequest } from './scripted-api.ts';

const citation = {
  position: 0,
  marker: 1,
  document_id: 'd',
  generation: 1,
  chunk_index: 0,
  title: 'Operations',
  source_url: null,
  start_char: 0,
  end_char: 9,
  quote: 'Forty-two\nit is.',
  page: 12,
  page_end: 12,
  page_label: null,
  headings: ['3 Answers', '3.2 Numbers'],
};

let api: Awaited<ReturnType<typeof startScriptedApi>>;
afterEach(() => api.close());

/** An API that accepts every message and streams by `streams`, one function for each time the stream is opened. */
async function startAnswering(...streams: ((request: SeenRequest, response: ServerResponse) => void)[]) {
  let opened = 0;
  api = await startScriptedApi((request, response) => {
    if (request.path === '/conversations') return sendJson(response, 201, { id: 'c-1' });
    if (request.path === '/conversations/c-1/messages') {
      return sendJson(response, 202, { message: { id: 'm-1' }, turn: { id: 't-1' } });
    }
    if (request.path === '/turns/t-1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('retry: 10\n\n: keep-alive\n\n');
      return streams[opened++]!(request, response);
    }
    return sendJson(response, 404, { detail: 'There is no such resource.', code: 'not_found' });
  });
  return api;
}

describe('perdure ask', () => {
  test('writes the answer and then its citations', async () => {
    const { url, seen } = await startAnswering((_request, response) => {
      const events = [sse(1, 'turn_started', { attempt: 1 }), sse(2, 'text_delta', { text: 'Forty' })];
      response.write(events.join(''));
      response.end(
        sse(3, 'text_delta', { text: '-two [1].' }) +
          sse(4, 'citation', citation) +
          sse(5, 'done', { message_id: 'a-1', sequence: 2 }),
      );
    });
    const run = await runCli(['ask', 'What', 'is it?'], { url });
    expect(run).toEqual({
      code: 0,
      out: 'Forty-two [1].\n\n[1] Operations, page 12, "3.2 Numbers"\n    “Forty-two it is.”\n',
      err: 'To go on: perdure ask --conversation c-1 "…"\n',
    });
    const message = seen.find(({ path }) => path.endsWith('/messages'));
    expect(message?.body).toMatchObject({ content: 'What is it?', client_message_id: expect.any(String) });
    expect(message?.headers).toMatchObject({
      authorization: 'Bearer pk_test',
      'idempotency-key': expect.any(String),
    });
  });

  test('takes a broken stream up behind the last event, in the middle of an event too', async () => {
    const { url, seen } = await startAnswering(
      (_request, response) => {
        response.write(`${sse(1, 'text_delta', { text: 'Forty' })}id: 2\nevent: text_delta\nda`, () => {
          response.destroy();
        });
      },
      (_request, response) => response.end(sse(2, 'text_delta', { text: '-two' })),
      (_request, response) => response.end(sse(3, 'done', { message_id: 'a-1', sequence: 2 })),
    );
    const run = await runCli(['ask', 'What is it?'], { url });
    expect(run.out).toBe('Forty-two\n');
    const streams = seen.filter(({ path }) => path === '/turns/t-1/events');
    expect(streams.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, '1', '2']);
  });

  test('drops the text that a crash discarded: from a pipe wholly, from a terminal by taking it off the screen', async () => {
    const script = (_request: SeenRequest, response: ServerResponse): void => {
      response.end(
        sse(1, 'text_delta', { text: 'A wrong first line\nand more of it' }) +
          sse(2, 'citation', citation) +
          sse(3, 'reset', { attempt: 2 }) +
          sse(4, 'text_delta', { text: 'The right one' }) +
          sse(5, 'done', { message_id: 'a-1', sequence: 2 }),
      );
    };
    const { url } = await startAnswering(script, script);
    expect((await runCli(['ask', 'q'], { url })).out).toBe('The right one\n');
    const shown = await runCli(['ask', 'q'], { url, tty: true });
    expect(shown.out).toBe('A wrong first line\nand more of it\u001B[1A\r\u001B[JThe right one\n');
  });

  test('writes every event as a line of JSON', async () => {
    const { url } = await startAnswering((_request, response) => {
      response.end(
        sse(1, 'text_delta', { text: 'Hi' }) + sse(2, 'error', { code: 'provider_timeout', detail: 'Late.' }),
      );
    });
    const run = await runCli(['ask', '--json', '--conversation', 'c-1', 'q'], { url });
    expect(run.code).toBe(1);
    expect(
      run.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { event: 'accepted', id: null, data: { conversation_id: 'c-1', message_id: 'm-1', turn_id: 't-1' } },
      { event: 'text_delta', id: '1', data: { text: 'Hi' } },
      { event: 'error', id: '2', data: { code: 'provider_timeout', detail: 'Late.' } },
    ]);
  });

  test('says why a turn failed, and lets no answer steer the terminal', async () => {
    const { url } = await startAnswering((_request, response) => {
      response.end(
        sse(1, 'text_delta', { text: 'bell\u0007 and \u001B[31mred' }) +
          sse(2, 'error', { code: 'provider_timeout', detail: 'The model did not answer in time.' }),
      );
    });
    const run = await runCli(['ask', 'q'], { url });
    expect(run).toEqual({ code: 1, out: 'bell and [31mred\n', err: 'error: The model did not answer in time.\n' });
  });

  test('repeats a message that got no answer with the same keys, and no other kind of refusal', async () => {
    let refusals = 0;
    api = await startScriptedApi((request, response) => {
      if (request.path !== '/conversations/c-1/messages') {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.end(sse(1, 'done', {}));
      } else if (refusals++ === 0) response.destroy();
      else if (refusals === 2) {
        response.writeHead(503, { 'retry-after': '0' }).end('{"code":"over_capacity","detail":"Busy."}');
      } else sendJson(response, 202, { message: { id: 'm-1' }, turn: { id: 't-1' } });
    });
    expect((await runCli(['ask', '--conversation', 'c-1', 'q'], { url: api.url })).code).toBe(0);
    const messages = api.seen.filter(({ path }) => path.endsWith('/messages'));
    expect(messages).toHaveLength(3);
    expect(new Set(messages.map(({ headers }) => headers['idempotency-key'])).size).toBe(1);
    expect(new Set(messages.map(({ body }) => (body as { client_message_id: string }).client_message_id)).size).toBe(1);
  });

  test('cancels the turn on Ctrl-C', async () => {
    const interrupt = new AbortController();
    const { url, seen } = await startAnswering((_request, response) => {
      response.write(sse(1, 'text_delta', { text: 'Forty' }));
      setTimeout(() => interrupt.abort(), 50);
    });
    const run = await runCli(['ask', 'q'], { url, signal: interrupt.signal });
    expect(run).toMatchObject({ code: 130, err: 'Cancelled.\n' });
    expect(seen.at(-1)).toMatchObject({ method: 'POST', path: '/turns/t-1/cancel' });
  });

  test.each([
    [401, 'unauthenticated', 'error: The API refused the key. Set PERDURE_API_KEY'],
    [404, 'not_found', 'error: Nothing here.'],
    [422, 'unknown_model', 'error: Nothing here.\n  body.model: is unknown'],
  ])('explains a refusal with %s once', async (status, code, message) => {
    api = await startScriptedApi((_request, response) =>
      sendJson(response, status, {
        code,
        detail: 'Nothing here.',
        ...(status === 422 ? { errors: [{ path: 'body.model', message: 'is unknown' }] } : {}),
      }),
    );
    const run = await runCli(['ask', 'q'], { url: api.url });
    expect(run.code).toBe(1);
    expect(run.err).toContain(message);
    expect(api.seen).toHaveLength(1);
  });

  test('names a mistake once, though the detail begins with it', async () => {
    const errors = ['agent', 'user'].map((name) => ({ path: `body.${name}`, message: 'is unknown' }));
    const detail = 'body.agent: is unknown (and 1 more, see errors)';
    api = await startScriptedApi((_request, response) =>
      sendJson(response, 400, { code: 'bad_request', detail, errors }),
    );
    const run = await runCli(['ask', 'q'], { url: api.url });
    expect(run.err).toBe(`error: ${detail}\n  body.user: is unknown\n`);
  });
});
