import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { runCli } from './run-cli.ts';
import { sendJson, sse, startScriptedApi } from './scripted-api.ts';

let api: Awaited<ReturnType<typeof startScriptedApi>>;
/** States of the source, one an answer; the last one stays. */
let states: Record<string, unknown>[];

const counts = { listed: 3, unchanged: 1, accepted: 1, failed: 1, removed: 0 };
const source = (sync: Record<string, unknown>, failed = 0) => ({
  id: 's-1',
  name: 'notes',
  type: 'file',
  status: 'syncing',
  documents: { total: 3, ready: 3 - failed, in_work: 0, failed },
  sync: { id: 'y-1', state: 'running', error: null, completed_at: null, ...counts, ...sync },
});
const failedDocument = {
  path: 'sub/junk.bin',
  title: 'junk.bin',
  error: { code: 'document_binary', detail: 'It is a picture.', hint: 'Send text.' },
};

beforeAll(async () => {
  api = await startScriptedApi(({ method, path }, response) => {
    if (path.startsWith('/knowledge-sources?'))
      return sendJson(response, 200, { data: [source({})], next_cursor: null });
    if (method === 'POST') return sendJson(response, 202, { started: true, sync: { id: 'y-1' }, job: null });
    if (path === '/knowledge-sources/s-1')
      return sendJson(response, 200, states.length > 1 ? states.shift() : states[0]);
    if (path.startsWith('/documents?')) return sendJson(response, 200, { data: [failedDocument], next_cursor: null });
    if (path === '/documents/d-9') return sendJson(response, 200, { path: 'http://example.test/x', title: 'x' });
    if (path === '/documents/d-8') return sendJson(response, 404, { code: 'not_found', detail: 'It is gone.' });
    const errors = ['d-9', 'd-8'].map((document) => ({ document, error: 'fetch_not_found: It answered 404.' }));
    const job = { id: 'j-1', knowledge_source_id: 's-1', failed_documents: 2, errors };
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(sse(1, 'done', job));
  });
});
afterAll(() => api.close());
beforeEach(() => {
  states = [source({ state: 'completed', completed_at: '2026-11-22T12:00:00.000Z' })];
});

describe('perdure sync', () => {
  test('ends well, with what it did', async () => {
    const run = await runCli(['sync', 'notes'], { url: api.url });
    expect(run).toMatchObject({ code: 0, err: '' });
    expect(run.out).toBe(
      'completed  3 listed, 1 unchanged, 1 new or changed, 0 deleted, 1 not fetched; 3 of 3 documents ready\n',
    );
  });

  test('R9: names the documents that failed, each with its reason and what to do', async () => {
    states = [source({ state: 'completed', completed_at: '2026-11-22T12:00:00.000Z' }, 1)];
    const run = await runCli(['sync', 'notes'], { url: api.url });
    expect(run.code).toBe(1);
    expect(run.out).toContain('failed     sub/junk.bin  document_binary: It is a picture.\n           Send text.\n');
    expect(api.seen.at(-1)?.path).toBe('/documents?status=failed&limit=20&knowledge_source=s-1');
  });

  test('says once what a sync waits for that does not get on', async () => {
    const error = { code: 'fetch_failed', detail: 'ECONNREFUSED.' };
    states = [source({ error }), source({ error, listed: 4 }), ...states];
    const run = await runCli(['sync', 'notes'], { url: api.url });
    expect(run.err).toBe('fetch_failed: ECONNREFUSED. It is tried again for about ten minutes.\n');
    expect(run.code).toBe(0);
  });
});

test('a job names what could not be fetched, and offers no retry of it', async () => {
  const run = await runCli(['jobs', 'j-1', '--watch'], { url: api.url });
  expect(run.code).toBe(1);
  expect(run.out).toContain('failed     http://example.test/x  fetch_not_found: It answered 404.\n');
  expect(run.out).toContain('failed     d-8  fetch_not_found: It answered 404.\n');
  expect(run.err).toBe('2 failed\n');
});
