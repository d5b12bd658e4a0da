import type { ServerResponse } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { seededRandom } from '../chaos/harness/seeded-random.ts';
import { SiteServer } from '../providers/sources/site-server.ts';
import { until } from '../support/until.ts';
import { syncHarness, type SyncWorker } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(560_000);
const folders: string[] = [];
const h = syncHarness(folders);
let root: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'perdure-sync-'));
  folders.push(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function folderOf(documents: number): Promise<string> {
  const folder = await mkdtemp(path.join(root, 'source-'));
  await Promise.all(
    Array.from({ length: documents }, (_, index) =>
      writeFile(
        path.join(folder, `${String(index).padStart(4, '0')}.txt`),
        `The words of number ${index} are its own.`,
      ),
    ),
  );
  return folder;
}

/** What a sync must leave, whatever happened meanwhile. */
async function expectWhole(source: string, documents: number): Promise<void> {
  const found = await h.documents(source);
  expect(found.filter(({ status }) => status !== 'ready')).toEqual([]);
  expect(found).toHaveLength(documents);
  const [counts] = await h.workspace.query<{ unfinished: number; strays: number }>(
    `select (select count(*)::int from document_generations where state in ('staging', 'ready')) as unfinished,
            (select count(*)::int from document_chunks c join documents d on d.id = c.document_id
             where c.generation <> d.active_generation) as strays`,
    [],
  );
  expect(counts).toEqual({ unfinished: 0, strays: 0 });
}

test('R7: a rolling restart of the workers during a sync of 200 documents fails none, and repeats at most a batch', async () => {
  const documents = 200;
  const source = await h.source('file', { path: await folderOf(documents) });
  let worker: SyncWorker = h.worker;
  const input = await h.startSync(source);
  for (let restart = 1; restart <= 4; restart += 1) {
    const goal = restart * 35;
    await until(async () => (await h.row(input)).accepted_items >= goal, {
      what: `${goal} documents`,
      timeoutMs: 200_000,
    });
    const next = await h.startWorker();
    await worker.stop();
    worker = next;
  }
  h.worker = worker;
  const row = await h.ended(input, 300_000);
  expect(row).toMatchObject({ state: 'completed', error: null, accepted_items: documents, failed_items: 0 });
  expect(await h.workspace.job(row.job_id)).toMatchObject({
    status: 'completed',
    total_documents: documents,
    processed_documents: documents,
    failed_documents: 0,
  });
  await expectWhole(source, documents);
  // Each text is one call; a restart repeats at most the calls that were in flight.
  const repeated = h.provider.log().length - documents;
  expect(repeated).toBeLessThanOrEqual(4 * 16);
});

test('a sync whose workers die at random moments, before or after each effect, ends as if nothing had happened', async () => {
  const documents = 40;
  const folder = await folderOf(documents);
  const source = await h.source('file', { path: folder });
  const random = seededRandom(7);
  let deaths = 0;
  const mayDie = new Set([
    'listPages',
    'fetchItems',
    'beginSync',
    'planRemovals',
    'removeMissing',
    'finishSync',
    'countUnsettled',
  ]);
  h.around = async (name, run) => {
    const dies = mayDie.has(name) && deaths < 12 && random.next() < 0.4;
    if (dies) deaths += 1;
    // A death after the effect loses the answer of a step whose transaction is committed.
    if (dies && random.next() < 0.5) throw new Error('died before');
    const result = await run();
    if (dies) throw new Error('died after');
    return result;
  };
  const first = await h.sync(source);
  expect(first).toMatchObject({ state: 'completed', error: null, listed_items: documents, accepted_items: documents });
  await expectWhole(source, documents);
  for (let index = 0; index < 15; index += 1) await rm(path.join(folder, `${String(index).padStart(4, '0')}.txt`));
  for (let index = 15; index < 20; index += 1)
    await writeFile(path.join(folder, `${String(index).padStart(4, '0')}.txt`), `New words of number ${index}.`);
  deaths = 0;
  const second = await h.sync(source);
  expect(second).toMatchObject({
    state: 'completed',
    error: null,
    listed_items: 25,
    unchanged_items: 20,
    accepted_items: 5,
    removed_documents: 15,
  });
  expect(deaths).toBeGreaterThan(2);
  await expectWhole(source, 25);
});

test('a listing that is not complete deletes nothing, and the source says why', async () => {
  const site = new SiteServer();
  await site.start();
  const page = (response: ServerResponse, items: unknown[], headers = {}) =>
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(items));
  site.answer = (request, response) =>
    request.url === '/list'
      ? page(response, [{ id: 1, text: 'Apples are red.' }], { link: '</more>; rel="next"' })
      : page(response, [{ id: 2, text: 'Bees make honey.' }]);
  const source = await h.source('api', {
    url: `${site.url}/list`,
    fields: { text: 'text' },
    pagination: { type: 'link' },
  });
  expect(await h.sync(source)).toMatchObject({ state: 'completed', error: null, listed_items: 2 });
  site.answer = (request, response) =>
    request.url === '/list'
      ? page(response, [{ id: 1, text: 'Apples are green.' }], { link: '</more>; rel="next"' })
      : response.writeHead(400).end();
  const partial = await h.sync(source);
  expect(partial).toMatchObject({ state: 'completed', accepted_items: 1, removed_documents: 0 });
  expect(partial.error).toMatchObject({ code: 'source_incomplete', detail: expect.stringContaining('answered 400') });
  expect((await h.documents(source)).map(({ path: id, status, generation }) => [id, status, generation])).toEqual([
    ['1', 'ready', 2],
    ['2', 'ready', 1],
  ]);
  site.stop();
});

test('a sync that waits for its source says what it waits for, and goes on once the source is back', async () => {
  const site = new SiteServer();
  await site.start();
  let isBack = false;
  site.answer = (_, response) =>
    isBack
      ? response
          .writeHead(200, { 'content-type': 'application/json' })
          .end(JSON.stringify([{ id: 1, text: 'Apples are red.' }]))
      : response.writeHead(503).end();
  const source = await h.source('api', { url: `${site.url}/list`, fields: { text: 'text' } });
  const input = await h.startSync(source);
  await until(async () => (await h.row(input)).error !== null, { what: 'the trouble' });
  expect(await h.row(input)).toMatchObject({ state: 'running', error: { detail: expect.stringContaining('503') } });
  isBack = true;
  expect(await h.ended(input)).toMatchObject({ state: 'completed', error: null, accepted_items: 1 });
  site.stop();
});
