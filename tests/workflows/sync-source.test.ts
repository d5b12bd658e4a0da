import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { syncHarness } from '../support/workspaces/sync-harness.ts';

jest.setTimeout(120_000);
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
});
