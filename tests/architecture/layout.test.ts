import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { sourceFiles } from './planted-tree.ts';

const root = path.resolve(import.meta.dirname, '../..');
const fenced =
  'activities api cli contracts domain entities migrations platform providers retrieval web workflows'.split(' ');
const topFolders = new Set([...fenced, 'bench', 'examples', 'scripts', 'tests']);

describe('the layout', () => {
  let files: string[];
  beforeAll(async () => {
    files = (await sourceFiles()).filter((file) => /\.(?:ts|mjs)$/.test(file));
  });

  test('no file has a catch-all name, which would gather what has no home', () => {
    const catchAll = /(?:^|\/)(?:utils?|helpers?|common|misc|types|shared|lib|interfaces)\.(?:ts|mjs)$/;
    expect(files.filter((file) => catchAll.test(file))).toEqual([]);
  });

  test('code stands in the folders that have a fence, and in the two processes', () => {
    const roots = new Set(files.map((file) => file.split('/')[0] ?? ''));
    const known = [...topFolders, 'server.ts', 'worker.ts', 'jest.config.mjs'];
    expect([...roots].filter((name) => !known.includes(name))).toEqual([]);
  });

  test('no inner folder is named as a top folder, because the fences tell folders by their names', () => {
    const inner = files.filter((file) => fenced.some((folder) => file.startsWith(`${folder}/`)));
    const named = inner.filter((file) =>
      file
        .split('/')
        .slice(1, -1)
        .some((folder) => topFolders.has(folder)),
    );
    expect(named).toEqual([]);
  });

  test('contracts is flat but for contracts/names, because its fence tells the two by their depth', () => {
    expect(files.filter((file) => /^contracts\/(?!names\/)[^/]+\//.test(file))).toEqual([]);
  });

  test('a suppression gives its reason on its line', async () => {
    const bare: string[] = [];
    for (const file of files) {
      const lines = (await readFile(path.join(root, file), 'utf8')).split('\n');
      lines.forEach((line, index) => {
        const suppression = /(?:ox|es)lint-disable(?:-next-line|-line)?\b(.*)$|@ts-expect-error(.*)$/.exec(line);
        const comment = suppression?.[1] ?? suppression?.[2];
        if (comment !== undefined && !/--\s*\S+|:\s*\S+\s+\S+/.test(comment)) bare.push(`${file}:${index + 1}`);
      });
    }
    expect(bare.filter((place) => !place.startsWith('tests/architecture/layout.test.ts'))).toEqual([]);
  });
});
