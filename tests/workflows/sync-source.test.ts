import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { v7 } from 'uuid';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes, type CheckSourceResult } from '../../contracts/names/workflows.ts';
import { deleteDocument, deleteSourceDocuments } from '../../entities/documents/document-repository.ts';
import { deleteSource } from '../../entities/sources/source-deletion-repository.ts';
import { readSourceStates } from '../../entities/sources/source-state-repository.ts';
import { until } from '../support/until.ts';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(240_000);
const folders: string[] = [];
const h = syncHarness(folders);
let root: string;
let folder: string;
let source: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'perdure-sync-'));
  folders.push(root);
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'source-'));
  source = await h.source('file', { path: folder });
});

const put = async (name: string, text: string) => {
  await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
  await writeFile(path.join(folder, name), text);
};
const state = async () =>
  (
    await h.database.inWorkspace(h.workspace.workspaceId, (em) =>
      readSourceStates(em, [{ id: source, isPaused: false }]),
    )
  )[0];
const slowDown = () => {
  h.around = async (name, run) => {
    if (name === 'embedChunks') await delay(300);
    return run();
  };
};
const unfinished = () =>
  h.workspace.query(`select document_id from document_generations where state in ('staging', 'ready')`, []);
const states = async () =>
  (await h.documents(source)).map(({ path: at, status, generation }) => [at, status, generation]);

describe('a sync of a folder', () => {
  test('ingests what is new and what has changed, leaves the rest alone, and deletes what is gone', async () => {
    await put('a.md', '# Apples\n\nApples are red.');
    await put('deep/er/b.txt', 'Bees make honey.');
    await put('c.txt', 'Cats sleep.');
    expect(await h.sync(source)).toMatchObject({
      state: 'completed',
      error: null,
      listed_items: 3,
      accepted_items: 3,
      unchanged_items: 0,
    });
    expect(await states()).toEqual([
      ['a.md', 'ready', 1],
      ['c.txt', 'ready', 1],
      ['deep/er/b.txt', 'ready', 1],
    ]);
    const before = h.provider.log().length;
    await put('a.md', '# Apples\n\nApples are green.');
    await rm(path.join(folder, 'c.txt'));
    await rename(path.join(folder, 'deep/er/b.txt'), path.join(folder, 'deep/bees.txt'));
    const second = await h.sync(source);
    expect(second).toMatchObject({ state: 'completed', error: null, accepted_items: 2, removed_documents: 2 });
    expect(await states()).toEqual([
      ['a.md', 'ready', 2],
      ['deep/bees.txt', 'ready', 1],
    ]);
    expect(h.provider.log().length).toBeGreaterThan(before);
    const calls = h.provider.log().length;
    expect(await h.sync(source)).toMatchObject({ state: 'completed', unchanged_items: 2, accepted_items: 0 });
    expect(h.provider.log().length).toBe(calls);
    expect(await h.workspace.job(second.job_id)).toMatchObject({
      status: 'completed',
      total_documents: 2,
      processed_documents: 2,
      failed_documents: 0,
      progress_percent: 100,
    });
  });

  test('deletes nothing when the folder has suddenly lost most, unless that is allowed', async () => {
    for (let index = 0; index < 8; index += 1) await put(`${index}.txt`, `The words of ${index}.`);
    await h.sync(source);
    for (let index = 1; index < 8; index += 1) await rm(path.join(folder, `${index}.txt`));
    const shrunk = await h.sync(source);
    expect(shrunk).toMatchObject({ state: 'completed', removed_documents: 0, error: { code: 'source_shrunk' } });
    expect(await states()).toHaveLength(8);
    expect(await h.sync(source, true)).toMatchObject({ state: 'completed', removed_documents: 7, error: null });
    expect(await states()).toEqual([['0.txt', 'ready', 1]]);
  });

  test('a source that cannot be read fails the sync and touches nothing', async () => {
    await put('a.txt', 'Apples are red.');
    await h.sync(source);
    await h.workspace.query(`update knowledge_sources set configuration = $2 where id = $1`, [
      source,
      JSON.stringify({ path: '/etc' }),
    ]);
    const failed = await h.sync(source);
    expect(failed).toMatchObject({ state: 'failed', error: { code: expect.stringMatching(/^source_/) } });
    expect(await h.workspace.job(failed.job_id)).toMatchObject({
      status: 'failed',
      errors: [{ document: source, error: expect.stringMatching(/^source_/) }],
    });
    expect(await states()).toEqual([['a.txt', 'ready', 1]]);
  });

  test('R9: a document that failed is counted under its source, and is ingested by the next sync', async () => {
    await put('a.txt', 'Apples are red.');
    await put('b.bin', String.fromCharCode(0, 1, 2, 3, 0, 0, 255));
    const first = await h.sync(source);
    expect(first).toMatchObject({ state: 'completed' });
    expect((await states()).map(([at, status]) => [at, status])).toEqual([
      ['a.txt', 'ready'],
      ['b.bin', 'failed'],
    ]);
    expect(await h.workspace.job(first.job_id)).toMatchObject({
      status: 'partial',
      total_documents: 2,
      failed_documents: 1,
    });
    expect(await state()).toMatchObject({ status: 'degraded', documents: { total: 2, ready: 1, failed: 1 } });
    await put('b.bin', 'Words after all.');
    await h.sync(source);
    expect(await state()).toMatchObject({ status: 'ready', documents: { total: 2, ready: 2, failed: 0 } });
  });

  test('a document that was deleted here stays deleted, for as long as the source goes on listing it', async () => {
    await put('a.txt', 'Apples are red.');
    await put('b.txt', 'Bees make honey.');
    await h.sync(source);
    const [first] = await h.documents(source);
    await h.database.inWorkspace(h.workspace.workspaceId, (em) =>
      deleteDocument(em, { workspaceId: h.workspace.workspaceId, documentId: first!.id }),
    );
    await put('a.txt', 'Apples are green.');
    expect(await h.sync(source)).toMatchObject({ state: 'completed', accepted_items: 0 });
    expect(await states()).toEqual([['b.txt', 'ready', 1]]);
  });

  test('new sizes of chunks make every document anew; a new schedule does not', async () => {
    await put('a.txt', 'Apples are red.');
    await h.sync(source);
    await h.workspace.query(`update knowledge_sources set configuration = $2 where id = $1`, [
      source,
      JSON.stringify({ path: folder, schedule: { every_seconds: 3600 } }),
    ]);
    expect(await h.sync(source)).toMatchObject({ unchanged_items: 1, accepted_items: 0 });
    await h.workspace.query(`update rag_tools set chunk_size = 80`, []);
    expect(await h.sync(source)).toMatchObject({ unchanged_items: 0, accepted_items: 1 });
    expect(await states()).toEqual([['a.txt', 'ready', 2]]);
  });

  test('a cancel stops it with the ingestions that it started, and the next sync goes on', async () => {
    for (let index = 0; index < 30; index += 1) await put(`${index}.txt`, `The words of ${index}.`);
    slowDown();
    const input = await h.startSync(source);
    await until(async () => h.provider.log().length > 2, { what: 'embeddings', timeoutMs: 60_000 });
    await h.starter.cancelSync(input);
    expect(await h.ended(input)).toMatchObject({ state: 'cancelled', error: { code: 'cancelled' } });
    h.around = (_, run) => run();
    expect(await unfinished()).toEqual([]);
    expect(await h.sync(source)).toMatchObject({ state: 'completed', error: null });
    expect((await states()).filter(([, status]) => status === 'ready')).toHaveLength(30);
  });

  test('R3: a source that is deleted while it is synchronised leaves nothing', async () => {
    for (let index = 0; index < 20; index += 1) await put(`${index}.txt`, `The words of ${index}.`);
    slowDown();
    const input = await h.startSync(source);
    await until(async () => h.provider.log().length > 2, { what: 'embeddings', timeoutMs: 60_000 });
    const key = { workspaceId: h.workspace.workspaceId, knowledgeSourceId: source };
    await h.database.inWorkspace(key.workspaceId, (em) => deleteSource(em, key));
    for (;;) {
      const { documentIds } = await h.database.inWorkspace(key.workspaceId, (em) =>
        deleteSourceDocuments(em, { ...key, limit: 7 }),
      );
      if (documentIds.length === 0) break;
    }
    await until(async () => !(await h.starter.syncRuns(input)), { what: 'the end of the workflow' });
    expect(await h.row(input)).toMatchObject({ state: 'cancelled' });
    expect(await h.documents(source)).toEqual([]);
    for (const table of ['document_chunks', 'chunk_embeddings', 'blobs', 'source_items', 'source_cursors'])
      expect(await h.workspace.query(`select * from ${table}`, [])).toEqual([]);
    await expect(
      h.workspace.query(
        `insert into documents (id, workspace_id, knowledge_source_id, title, document_type)
      values (gen_random_uuid(), $1, $2, 'late', 'text')`,
        [key.workspaceId, source],
      ),
    ).rejects.toThrow('was deleted');
  });
});

describe('a sync of a table of vectors', () => {
  test('takes texts with their vectors where the model is the same, and embeds them where it is not', async () => {
    const client = new pg.Client({ connectionString: h.databaseUrl });
    client.on('error', () => {});
    await client.connect();
    await client.query('drop schema if exists legacy cascade; create schema legacy');
    await client.query('create table legacy.passages (id integer primary key, content text, embedding vector(384))');
    const vector = (place: number) =>
      JSON.stringify(Array.from({ length: 384 }, (_, index) => (index === place ? 1 : 0)));
    await client.query('insert into legacy.passages values (1, $1, $2), (2, $3, $4)', [
      'Apples are red.',
      vector(1),
      'Bees make honey.',
      vector(2),
    ]);
    const configuration = { table: 'legacy.passages', embedding_model: h.workspace.modelId };
    const imported = await h.source('vector_store', configuration, h.databaseUrl);
    expect(await h.sync(imported)).toMatchObject({ state: 'completed', error: null, accepted_items: 2 });
    expect(h.provider.log()).toEqual([]);
    const rows = await h.workspace.query<{ content: string; embedding: string }>(
      `select c.content, e.embedding::text from document_chunks c
       join chunk_embeddings e using (document_id, generation, chunk_index) order by c.content`,
      [],
    );
    expect(rows.map(({ content, embedding }) => [content, JSON.parse(embedding).indexOf(1)])).toEqual([
      ['Apples are red.', 1],
      ['Bees make honey.', 2],
    ]);
    expect((await h.documents(imported)).map(({ status }) => status)).toEqual(['ready', 'ready']);
    // A row that changes gets its new vector, and many rows are taken in few steps.
    await client.query('update legacy.passages set embedding = $1 where id = 1', [vector(3)]);
    await client.query(
      `insert into legacy.passages
       select place, 'Passage ' || place, (select array_agg(1) from generate_series(1, 384))::vector(384)
       from generate_series(3, 130) place`,
    );
    const steps: string[] = [];
    h.around = (name, run) => {
      steps.push(name);
      return run();
    };
    const grown = await h.sync(imported);
    expect(grown).toMatchObject({ state: 'completed', accepted_items: 129, unchanged_items: 1 });
    expect(steps.filter((name) => name === 'fetchItems').length).toBeLessThan(10);
    expect(h.provider.log()).toEqual([]);
    const [changed] = await h.workspace.query<{ vectors: number; embedding: string }>(
      `select count(*)::int as vectors, max(e.embedding::text) as embedding from chunk_embeddings e
       join document_chunks c using (document_id, generation, chunk_index) where c.content = 'Apples are red.'`,
      [],
    );
    expect(changed!.vectors).toBe(1);
    expect(JSON.parse(changed!.embedding).indexOf(1)).toBe(3);
    await client.query('delete from legacy.passages where id > 2');
    const other = await h.source('vector_store', { ...configuration, embedding_model: 'another' }, h.databaseUrl);
    expect(await h.sync(other)).toMatchObject({ state: 'completed', error: null, accepted_items: 2 });
    expect(h.provider.log().length).toBeGreaterThan(0);
    // A look at the source tells beforehand which vectors would be left, for texts are paid for then.
    const look = async (knowledgeSourceId: string) => {
      const result = (await h.client.workflow.execute(workflowTypes.checkSource, {
        workflowId: workflowIds.checkSource(v7()),
        taskQueue: taskQueues.sync,
        args: [{ workspaceId: h.workspace.workspaceId, knowledgeSourceId }],
      })) as CheckSourceResult;
      return result.detail;
    };
    expect(await look(imported)).not.toContain('anew');
    expect(await look(other)).toContain('There is no model "another" here: its vectors are left');
    await client.query('alter table legacy.passages alter embedding type vector(3) using subvector(embedding, 1, 3)');
    expect(await look(imported)).toMatch(/384 dimensions, and the vectors have 3: its vectors are left/);
    await client.end();
  });
});
