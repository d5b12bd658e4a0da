import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { collectFiles } from '../../cli/collect-files.ts';
import { runCli } from './run-cli.ts';
import { sendJson, sse, startScriptedApi } from './scripted-api.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'perdure-files-'));
  await mkdir(path.join(folder, 'docs/.hidden'), { recursive: true });
  await mkdir(path.join(folder, 'docs/sub'));
  for (const [name, text] of Object.entries({
    'docs/b.md': '# B',
    'docs/a.HTML': '<p>A</p>',
    'docs/sub/c.txt': 'C',
    'docs/image.png': 'png',
    'docs/.hidden/d.md': 'D',
  })) {
    await writeFile(path.join(folder, name), text);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('the files of a path', () => {
  test('are all that are not hidden, sorted, named from where the command runs', async () => {
    const { files, skipped } = await collectFiles(['docs', 'docs/b.md'], folder);
    expect(skipped).toEqual([]);
    expect(files.map(({ path: name }) => name)).toEqual([
      'docs/a.HTML',
      'docs/b.md',
      'docs/image.png',
      'docs/sub/c.txt',
    ]);
  });

  test('have one name each, however they are given', async () => {
    const names = async (given: string, base?: string): Promise<string[]> =>
      (await collectFiles([path.join(folder, given)], os.homedir(), base)).files.map(({ path: name }) => name);
    expect(await names('docs/sub')).toEqual([`${folder}/docs/sub/c.txt`]);
    expect(await names('docs/sub/c.txt')).toEqual([`${folder}/docs/sub/c.txt`]);
    expect(await names('docs/sub', folder)).toEqual(['docs/sub/c.txt']);
    expect(await names('docs/sub/c.txt', path.join(folder, 'docs'))).toEqual(['sub/c.txt']);
  });

  test('are none that a link in a folder leads to, which is named; a link that is given itself is followed', async () => {
    await mkdir(path.join(folder, 'elsewhere'));
    await writeFile(path.join(folder, 'elsewhere/secret.md'), 'S');
    await symlink('../elsewhere', path.join(folder, 'docs/away'));
    await symlink('nowhere', path.join(folder, 'docs/sub/broken'));
    const { files, skipped } = await collectFiles(['docs'], folder);
    expect(files).toHaveLength(4);
    expect(skipped).toEqual([
      expect.objectContaining({ path: 'docs/away', state: 'skipped', reason: expect.stringContaining('../elsewhere') }),
      expect.objectContaining({
        path: 'docs/sub/broken',
        state: 'skipped',
        reason: expect.stringContaining('nowhere'),
      }),
    ]);
    const named = await collectFiles(['docs/away'], folder);
    expect(named.files.map(({ path: name }) => name)).toEqual(['docs/away/secret.md']);
  });

  test('must be there', async () => {
    await expect(collectFiles(['nowhere'], folder)).rejects.toThrow('nowhere');
  });
});

const job = { id: 'j-1', total_documents: 2, processed_documents: 0, failed_documents: 0, status: 'processing' };
const document = (id: string, change: object) => ({
  document_id: id,
  generation: 1,
  path: `path of ${id}`,
  title: id,
  document_type: 'html',
  state: 'staging',
  stage: 'embedding',
  percent: 50,
  queue_wait_ms: 3,
  characters: null,
  chunks: null,
  warnings: [],
  error: null,
  ...change,
});
const ready = document('d-1', {
  state: 'active',
  stage: 'done',
  percent: 100,
  characters: 3,
  chunks: 1,
  warnings: [{ code: 'partial_text', detail: 'Two tables were flattened.' }],
});
const failed = document('d-2', {
  state: 'failed',
  document_type: 'markdown',
  error: { code: 'x', detail: 'Why.', hint: 'Do this.' },
});

/** Refuses the picture, ingests a.HTML, fails b.md and finds c.txt unchanged; the first stream of events breaks off. */
async function startIngesting() {
  let streams = 0;
  return startScriptedApi((request, response) => {
    if (request.path.startsWith('/knowledge-sources')) {
      const source = { id: 's-1', name: 'handbook', type: 'upload', status: 'ready', sync: null };
      const documents = { total: 0, ready: 0, in_work: 0, failed: 0 };
      if (request.method === 'POST') return sendJson(response, 201, { ...source, documents });
      return sendJson(response, 200, { data: [{ ...source, documents }], next_cursor: null });
    }
    if (request.path === '/documents/batch') {
      const item = (index: number, fields: object) => ({
        index,
        generation: 1,
        unchanged: false,
        error: null,
        ...fields,
      });
      return sendJson(response, 202, {
        job,
        documents: [
          item(0, { document_id: 'd-1' }),
          item(1, { document_id: 'd-2' }),
          item(2, {
            document_id: null,
            generation: null,
            error: { code: 'document_binary', detail: 'It is a picture.', hint: 'Send text.' },
          }),
          item(3, { document_id: 'd-3', unchanged: true }),
        ],
      });
    }
    if (request.path.endsWith('/retry')) return sendJson(response, 202, { job, documents: [] });
    if (request.path === '/ingestion-jobs/j-1/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(sse(1, 'document', document('d-1', {})) + sse(2, 'progress', job));
      streams += 1;
      if (streams === 1) return void response.end(sse(7, 'document', ready));
      const errors = [{ document: 'd-2', error: 'x: Why.' }];
      const counts = { status: 'partial', processed_documents: 1, failed_documents: 1, errors };
      return void response.end(
        sse(7, 'document', ready) + sse(8, 'document', failed) + sse(9, 'done', { ...job, ...counts }),
      );
    }
    if (request.path.startsWith('/ingestion-jobs/j-1'))
      return sendJson(response, 200, { ...job, errors: [{ document: 'd-2', error: 'x: Why.' }], failed_documents: 1 });
    if (request.path.startsWith('/ingestion-jobs'))
      return sendJson(response, 200, { data: [{ ...job, created_at: '2026-11-22T12:00:00.000Z' }], next_cursor: null });
    return sendJson(response, 200, {
      id: 'd-3',
      document_type: 'text',
      latest: { document_type: 'text', characters: 1, expected_chunks: 1, warnings: [] },
    });
  });
}

describe('perdure ingest', () => {
  test('tells of each file what became of it by the events of the job, over a broken stream, and fails if one failed', async () => {
    const api = await startIngesting();
    try {
      const args = ['ingest', '--base', folder, '--source', 'handbook', '--password', 'pw', path.join(folder, 'docs')];
      const run = await runCli(args, { url: api.url });
      expect(run.code).toBe(1);
      expect(run.out).toBe(
        'failed     docs/image.png  document_binary: It is a picture.\n           Send text.\n' +
          'unchanged  docs/sub/c.txt  text, 1 chunk, 1 character\n' +
          'ready      docs/a.HTML  html, 1 chunk, 3 characters\n           partial_text: Two tables were flattened.\n' +
          'failed     docs/b.md  x: Why.\n           Do this.\n',
      );
      expect(run.err).toBe('2 failed, 1 unchanged, 1 ready\nOnce mended: perdure retry --job j-1\n');
      expect(api.seen[1]?.body).toEqual({
        knowledge_source: 'handbook',
        documents: [
          { path: 'docs/a.HTML', password: 'pw', text: '<p>A</p>' },
          { path: 'docs/b.md', password: 'pw', text: '# B' },
          { path: 'docs/image.png', password: 'pw', text: 'png' },
          { path: 'docs/sub/c.txt', password: 'pw', text: 'C' },
        ],
      });
      const streams = api.seen.filter((request) => request.path.endsWith('/events'));
      expect(streams.map((request) => request.headers['last-event-id'])).toEqual([undefined, '7']);
    } finally {
      await api.close();
    }
  });

  test('writes a line of JSON for each file', async () => {
    const api = await startIngesting();
    try {
      const run = await runCli(['ingest', '--json', '--base', folder, path.join(folder, 'docs')], { url: api.url });
      const lines = run.out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
      expect(lines).toHaveLength(4);
      expect(lines[2]).toEqual({
        path: 'docs/a.HTML',
        state: 'ready',
        type: 'html',
        warnings: [{ code: 'partial_text', detail: 'Two tables were flattened.' }],
        reason: null,
        hint: null,
        characters: 3,
        chunks: 1,
        document_id: 'd-1',
      });
      expect(lines[0]).toMatchObject({ state: 'failed', reason: 'document_binary: It is a picture.', type: null });
      expect(lines[3]).toMatchObject({ path: 'docs/b.md', state: 'failed', reason: 'x: Why.', hint: 'Do this.' });
    } finally {
      await api.close();
    }
  });
});

describe('perdure sources', () => {
  test('a source that is not there is said before anything is sent, with the command that makes it', async () => {
    const api = await startIngesting();
    try {
      const run = await runCli(['ingest', '--source', 'hand book', path.join(folder, 'docs')], { url: api.url });
      expect(run).toMatchObject({ code: 1, out: '' });
      expect(run.err).toContain('There is no source "hand book". There are: handbook.');
      expect(run.err).toContain('perdure sources add "hand book"');
      expect(api.seen.map(({ method }) => method)).toEqual(['GET']);
    } finally {
      await api.close();
    }
  });

  test('adds one, with credentials from a file, and says what a configuration must be', async () => {
    const api = await startIngesting();
    try {
      await writeFile(path.join(folder, 'headers'), 'authorization: Bearer x\n');
      const config = '{"url": "https://example.test/items"}';
      const args = ['sources', 'add', 'tickets', '--type', 'api', '--config', config, '--credentials'];
      const run = await runCli([...args, path.join(folder, 'headers')], { url: api.url });
      expect(run).toMatchObject({ code: 0, out: 'ready    handbook (upload)  0 of 0 documents ready\n' });
      expect(api.seen[0]).toMatchObject({
        method: 'POST',
        path: '/knowledge-sources',
        body: {
          name: 'tickets',
          type: 'api',
          configuration: { url: 'https://example.test/items' },
          connection_string: 'authorization: Bearer x',
        },
      });
      expect(await runCli(['sources', 'add', 'x', '--config', '{1}'], { url: api.url })).toMatchObject({ code: 2 });
      expect(await runCli(['sources', 'remove', 'x'], { url: api.url })).toMatchObject({ code: 2 });
    } finally {
      await api.close();
    }
  });
});

describe('perdure retry and perdure jobs', () => {
  test.each([
    [['retry', 'd-2', '--password', 'pw'], '/documents/d-2/retry', { password: 'pw' }],
    [['retry', '--job', 'j-0'], '/ingestion-jobs/j-0/retry', undefined],
  ])('%j asks for a retry and shows its job', async (args, address, body) => {
    const api = await startIngesting();
    try {
      const run = await runCli(args, { url: api.url });
      expect(run.code).toBe(1);
      expect(run.out).toContain('ready      path of d-1  html, 1 chunk, 3 characters\n');
      expect(run.out).toContain('failed     path of d-2  x: Why.\n           Do this.\n');
      expect(run.err).toBe('1 ready, 1 failed\nOnce mended: perdure retry --job j-1\n');
      expect(api.seen[0]).toMatchObject({ method: 'POST', path: address });
      expect(api.seen[0]?.body).toEqual(body);
      expect(api.seen[0]?.headers['idempotency-key']).toBeTruthy();
    } finally {
      await api.close();
    }
  });

  test('jobs are listed, shown with their errors, and watched', async () => {
    const api = await startIngesting();
    try {
      const list = await runCli(['jobs', '--status', 'processing'], { url: api.url });
      expect(list.out).toBe('j-1  processing 0 of 2  2026-11-22T12:00:00.000Z\n');
      expect(api.seen[0]?.path).toBe('/ingestion-jobs?status=processing');
      const one = await runCli(['jobs', 'j-1'], { url: api.url });
      expect([one.code, one.out]).toEqual([1, expect.stringContaining('  d-2  x: Why.\n')]);
      const watched = await runCli(['jobs', 'j-1', '--watch', '--json'], { url: api.url });
      expect(
        watched.out
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line).state),
      ).toEqual(['ready', 'failed']);
    } finally {
      await api.close();
    }
  });
});

test('a command that is called wrongly ends with 2 and shows its usage', async () => {
  for (const args of [
    ['ingest'],
    ['ingest', '--nope', 'x'],
    ['retry'],
    ['retry', 'a', '--job', 'b'],
    ['jobs', 'a', 'b'],
    ['ask'],
    ['nonsense'],
    [],
  ]) {
    const run = await runCli(args);
    expect(run.code).toBe(2);
    expect(`${run.out}${run.err}`).toMatch(/Usage: perdure/);
  }
});

test('an API that is not there is named, with the way out', async () => {
  const run = await runCli(['ask', 'q'], { url: 'http://127.0.0.1:1' });
  expect(run.code).toBe(1);
  expect(run.err).toMatch(/^error: The API at http:\/\/127\.0\.0\.1:1 does not answer .*npm start.*PERDURE_URL/);
});
