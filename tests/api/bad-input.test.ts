import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deepStrictEqual } from 'node:assert';
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { query } from '../../entities/sql.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi, type Answer, type Sent } from '../support/api/test-api.ts';

const api = testApi();
const mebibyte = 1024 * 1024;

const tables = ['documents', 'document_generations', 'blobs', 'ingestion_jobs', 'conversations', 'messages', 'turns'];
const others = ['agents', 'models', 'users', 'idempotency_keys', 'rag_tools', 'knowledge_sources', 'api_keys'];
const countRows = () =>
  api.database.asOperator((em) =>
    Promise.all(
      [...tables, ...others].map((table) =>
        query<{ table: string; n: string }>(em, `select count(*) as n from ${table}`),
      ),
    ),
  );

let before: unknown;
beforeEach(async () => {
  before = await countRows();
});
// Whatever was refused has left nothing behind, not even an idempotency key.
afterEach(async () => {
  deepStrictEqual(await countRows(), before);
});

const post = (path: string, sent: Sent): Promise<Answer> =>
  api.call('POST', path, {
    ...sent,
    headers: { 'idempotency-key': `key of ${expect.getState().currentTestName}`.slice(0, 255), ...sent.headers },
  });
const upload = (bytes: Uint8Array<ArrayBuffer> | string, type = 'text/plain', search = '') =>
  post(`/documents${search}`, { raw: bytes, headers: { 'content-type': type } });
const bytesOf = (...numbers: number[]) => new Uint8Array(numbers);
const ole = bytesOf(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1);

describe('a document', () => {
  test('of 0 bytes is refused', async () => {
    expectProblem(await upload(''), 'document_empty');
    expectProblem(await post('/documents', { body: { text: '' } }), 'document_empty');
    expectProblem(await post('/documents', { body: { content_base64: '' } }), 'document_empty');
  });

  test('of white space alone is refused', async () => {
    expectProblem(await upload(' \n\t\u00a0\n'), 'document_empty');
  });

  test('that is binary is refused', async () => {
    expectProblem(await upload(bytesOf(0, 1, 2, 3, 0, 255, 254, 200, 0, 9)), 'document_binary');
    expectProblem(await post('/documents', { body: { text: 'a\u0000b' } }), 'document_binary');
  });

  test.each([
    [
      'a PNG as text',
      bytesOf(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52),
      /image\/png/,
    ],
    ['a ZIP as HTML', bytesOf(0x50, 0x4b, 3, 4, 0, 0, 0, 0), /ZIP archive/],
    [
      'a Word document of 1997',
      Buffer.concat([ole, Buffer.from('WordDocument', 'utf16le')]),
      /Word document of before/,
    ],
  ])('that no parser reads is refused by its name, whatever it is said to be: %s', async (_name, bytes, named) => {
    const answer = await upload(bytes, 'text/html');
    expectProblem(answer, 'unsupported_media_type');
    expect(answer.json.detail).toMatch(named);
  });

  test('under a media type that says it is no document is refused, with those that may be sent', async () => {
    const answer = await upload('words', 'image/png');
    expectProblem(answer, 'unsupported_media_type');
    expect(answer.json.detail).toMatch(/text\/markdown/);
  });

  test('that is compressed on the way is refused', async () => {
    const headers = { 'content-type': 'text/plain', 'content-encoding': 'gzip' };
    expectProblem(await post('/documents', { raw: 'words', headers }), 'unsupported_media_type');
  });

  test('of 200 MB is refused before it is read', async () => {
    const answer = await uploadSlowly({ 'content-length': String(200 * mebibyte) }, 1);
    expect(answer).toEqual({ status: 413, code: 'body_too_large', sent: 1 });
  });

  test('that does not say how long it is, is refused when it passes the limit', async () => {
    const { status, code, sent } = await uploadSlowly({}, 200);
    expect({ status, code }).toEqual({ status: 413, code: 'body_too_large' });
    expect(sent).toBeLessThan(60);
  });

  test('in base64 that is none, or both as text and base64, is refused', async () => {
    expectProblem(await post('/documents', { body: { content_base64: '***' } }), 'bad_request');
    expectProblem(await post('/documents', { body: { text: 'a', content_base64: 'YQ==' } }), 'bad_request');
    expectProblem(await post('/documents', { body: { title: 'nothing else' } }), 'bad_request');
  });

  test('of a source that does not exist is refused', async () => {
    const answer = await upload('words', 'text/plain', '?knowledge_source=nowhere');
    expectProblem(answer, 'bad_request');
    expect(answer.json.errors[0].path).toBe('query.knowledge_source');
  });

  test('in a batch of nothing but bad ones makes no job, and each says why', async () => {
    const body = {
      documents: [
        { text: ' ', path: 'empty.md' },
        { content_base64: Buffer.from(bytesOf(1, 2, 3, 4)).toString('base64'), path: 'b.md' },
      ],
    };
    const answer = await api.call('POST', '/documents/batch', { body });
    expect(answer.status).toBe(202);
    expect(answer.json.job).toBeNull();
    expect(answer.json.documents.map((item: { error: { code: string } }) => item.error.code)).toEqual([
      'document_empty',
      'document_binary',
    ]);
  });
});

describe('a JSON body', () => {
  const headers = { 'content-type': 'application/json' };

  test.each([
    ['{"text": }', 'line 1, column 10'],
    ['{"text": "a",\n "title": tru}', 'line 2, column 11'],
    ['{"text": "a"', 'ends too early'],
    ['{"text": "a"} x', 'line 1, column 15'],
    ['', 'empty'],
  ])('that is malformed is refused with the place: %j', async (raw, where) => {
    const answer = await post('/documents', { raw, headers });
    expectProblem(answer, 'malformed_json');
    expect(answer.json.detail).toContain(where);
  });

  test('that is not UTF-8 is refused', async () => {
    expectProblem(await post('/documents', { raw: bytesOf(0x22, 0xff, 0x22), headers }), 'malformed_json');
  });

  test.each([
    ['half of a surrogate pair', '{"query": "\\ud800"}'],
    ['endless nesting', `{"query": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
  ])('with %s is refused', async (_name, raw) => {
    expectProblem(await post('/search', { raw, headers }), 'bad_request');
  });

  test('over its limit is refused', async () => {
    const content = 'x'.repeat(1024 * 1024 + 1);
    expectProblem(await post('/search', { body: { query: content } }), 'body_too_large');
  });

  test('of another type, an unknown field, or a wrong value is refused with each path', async () => {
    for (const body of [[], 'text', 7, null]) expectProblem(await post('/search', { body }), 'bad_request');
    const answer = await post('/search', { body: { query: ' ', top_k: 1000, colour: 'red' } });
    expectProblem(answer, 'bad_request');
    expect(answer.json.errors.map((error: { path: string }) => error.path).toSorted()).toEqual([
      'body',
      'body.query',
      'body.top_k',
    ]);
  });

  test('with another content type, or none, is refused', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    expectProblem(await post('/search', { raw: 'query=a', headers: form }), 'unsupported_media_type');
  });
});

describe('a query', () => {
  test.each([
    '?limit=0',
    '?limit=201',
    '?limit=many',
    '?cursor=nonsense',
    '?colour=red',
    '?limit=1&limit=2',
    '?status=lost',
  ])('%s is refused', async (search) => {
    expectProblem(await api.call('GET', `/documents${search}`), 'bad_request');
  });
});

describe('an unknown model', () => {
  test('is refused where one is named', async () => {
    expectProblem(await post('/agents', { body: { name: 'a', model: 'gpt-99' } }), 'unknown_model');
    expectProblem(await post('/rag-tools', { body: { name: 'a', embedding_model: 'none' } }), 'unknown_model');
  });

  test('of a provider that nobody can call is refused when it is made', async () => {
    const model = { name: 'm', kind: 'chat', provider: 'delphi', model_id: 'oracle' };
    expectProblem(await post('/models', { body: model }), 'bad_request');
    expectProblem(await post('/models', { body: { ...model, provider: 'local' } }), 'bad_request');
  });
});

test('a message of nothing, too long, or with a NUL is refused', async () => {
  const path = '/conversations/00000000-0000-7000-8000-000000000000/messages';
  expectProblem(await post(path, { body: { content: ' \n ' } }), 'bad_request');
  expectProblem(await post(path, { body: { content: 'x'.repeat(100_001) } }), 'bad_request');
  expectProblem(await post('/conversations', { body: { title: 'a\u0000b' } }), 'bad_request');
});

test('a header that is too long is refused', async () => {
  const long = 'x'.repeat(256);
  expectProblem(await post('/conversations', { body: {}, headers: { 'x-perdure-user': long } }), 'bad_request');
  expectProblem(await post('/conversations', { body: {}, headers: { 'idempotency-key': long } }), 'bad_request');
});

test('another method says which ones there are', async () => {
  const answer = await api.call('PUT', '/documents', { body: {} });
  expectProblem(answer, 'method_not_allowed');
  expect(answer.headers.get('allow')).toBe('GET, HEAD, POST');
});

/** Sends up to `most` pieces of 1 MiB until the server answers; tells what it answered, and after how many. */
async function uploadSlowly(
  headers: Record<string, string>,
  most: number,
): Promise<{ status: number; code: string; sent: number }> {
  const outgoing = request(`${api.url}/documents`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'text/plain', authorization: `Bearer ${api.tenant.key}` },
  });
  let answered = false;
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve).on('error', reject);
  }).finally(() => (answered = true));
  let sent = 0;
  while (sent < most && !answered) {
    sent += 1;
    if (!outgoing.write(Buffer.alloc(mebibyte, 'a'))) await Promise.race([once(outgoing, 'drain'), answer]);
  }
  const response = await answer;
  const { code } = (await json(response)) as { code: string };
  outgoing.destroy();
  return { status: response.statusCode ?? 0, code, sent };
}
