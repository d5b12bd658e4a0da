import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';

test('the files that are begun first are there', () => {
  const names = JSON.parse(readFileSync(path.join(import.meta.dirname, 'long-files.json'), 'utf8')) as string[];
  const root = path.resolve(import.meta.dirname, '../../..');
  expect(names.filter((name) => !existsSync(path.join(root, name)))).toEqual([]);
});
