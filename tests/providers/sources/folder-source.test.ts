import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { folderConfigurationSchema } from '../../../contracts/source-configuration.ts';
import { createFolderSource } from '../../../providers/sources/folder-source.ts';
import { conforms, listAll, textOf } from './source-conformance.ts';

let root: string;
let folder: string;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'perdure-folder-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
  folder = await mkdtemp(path.join(root, 'one-'));
  await put('a.md', 'Apples are red.');
  await put('deep/b.txt', 'Bees make honey.');
  await put('deep/er/c.txt', 'Cats sleep.');
});

async function put(name: string, text: string): Promise<void> {
  await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
  await writeFile(path.join(folder, name), text);
}

const open = (settings: Record<string, unknown> = {}, roots = [root]) =>
  createFolderSource(folderConfigurationSchema.parse({ path: folder, ...settings }), roots);
const names = async (settings: Record<string, unknown> = {}) => [...(await listAll(open(settings))).keys()].toSorted();

describe('a folder', () => {
  conforms(() => ({
    open: () => open(),
    openBroken: () => open({ path: path.join(folder, 'nowhere') }),
    holds: [
      ['a.md', 'Apples are red.'],
      ['deep/b.txt', 'Bees make honey.'],
      ['deep/er/c.txt', 'Cats sleep.'],
    ],
    change: (words) => put('a.md', words),
    remove: () => rm(path.join(folder, 'deep/er/c.txt')),
  }));

  test('takes what is included, without what is excluded or hidden', async () => {
    await put('.secret/d.md', 'hidden');
    await put('node_modules/e.md', 'somebody else’s');
    await put('.f.md', 'hidden');
    expect(await names({ include: ['**/*.md'] })).toEqual(['a.md', 'node_modules/e.md']);
    expect(await names({ include: ['**/*.md'], exclude: ['node_modules/**'] })).toEqual(['a.md']);
    expect(await names({ exclude: ['deep', 'node_modules/**'], hidden: true })).toEqual([
      '.f.md',
      '.secret/d.md',
      'a.md',
    ]);
  });

  test('follows no link that leads out of it, in a circle or nowhere, and names it', async () => {
    await put('../outside.md', 'not for us');
    await symlink(path.join(root, 'outside.md'), path.join(folder, 'out.md'));
    await symlink(root, path.join(folder, 'up'));
    await symlink(folder, path.join(folder, 'deep/circle'));
    await symlink(path.join(folder, 'nowhere'), path.join(folder, 'broken'));
    await symlink('a.md', path.join(folder, 'also-a.md'));
    const items = await listAll(open());
    expect([...items.keys()].toSorted()).toEqual([
      'a.md',
      'also-a.md',
      'broken',
      'deep/b.txt',
      'deep/er/c.txt',
      'out.md',
      'up',
    ]);
    const problems = [...items].flatMap(([name, { problem }]) => (problem ? [`${name}: ${problem.code}`] : []));
    expect(problems.toSorted()).toEqual(['broken: fetch_not_found', 'out.md: fetch_refused', 'up: fetch_refused']);
    expect(await names({ exclude: ['up', 'broken', 'out.*'] })).toHaveLength(4);
    const item = { path: 'out.md', sourceUrl: null, memory: {} };
    expect(await open().fetch(item, new AbortController().signal)).toBeNull();
    const climbing = { ...item, path: '../outside.md' };
    expect(await open().fetch(climbing, new AbortController().signal)).toBeNull();
  });

  test('is refused when it is not below a folder that may be read, also by a link', async () => {
    const { signal } = new AbortController();
    await expect(open({}, []).check(signal)).rejects.toMatchObject({ code: 'source_configuration' });
    await expect(open({}, ['/var/empty']).check(signal)).rejects.toMatchObject({ code: 'source_configuration' });
    await expect(open({ path: `${root}x` }).check(signal)).rejects.toMatchObject({ code: 'source_unavailable' });
    await expect(open({ path: 'relative' }).check(signal)).rejects.toMatchObject({ code: 'source_configuration' });
    await symlink('/etc', path.join(folder, 'etc'));
    await expect(open({ path: path.join(folder, 'etc') }).check(signal)).rejects.toMatchObject({
      code: 'source_configuration',
    });
  });

  test('lists a large folder page by page', async () => {
    await Promise.all(
      Array.from({ length: 2_050 }, (_, index) => put(`many/${String(index).padStart(5, '0')}.txt`, 'x')),
    );
    const source = open();
    expect((await listAll(source)).size).toBe(2_053);
    const { next } = await source.list(JSON.stringify({ folder: 'many', after: '' }), {
      signal: new AbortController().signal,
      listed: 0,
      recall: async () => null,
    });
    expect(next).toHaveLength(1);
  });

  test('names a file that is too large for a document, and does not read it', async () => {
    await writeFile(path.join(folder, 'large.bin'), Buffer.alloc(33 * 1024 * 1024));
    const items = await listAll(open());
    expect(items.get('large.bin')).toMatchObject({ problem: { code: 'fetch_too_large' } });
    expect(await textOf(open(), items.get('a.md')!)).toBe('Apples are red.');
  });
});
