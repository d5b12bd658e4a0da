import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { errorTable } from '../../contracts/errors.ts';
import { documentWarningCodes } from '../../contracts/names/document-warnings.ts';

const root = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(path.join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => path.join('docs', file)),
];
const scripts = (JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts;

describe('the pages', () => {
  test.each(pages)('%s links only to files that exist', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target ?? '');
    expect(links.filter((link) => !existsSync(path.join(root, path.dirname(page), link)))).toEqual([]);
  });

  test.each(pages)('%s names only commands and scripts that exist', (page) => {
    const text = read(page);
    const commands = [...text.matchAll(/npm run ([\w:-]+)/g)].map(([, name]) => name ?? '');
    expect(commands.filter((name) => !(name in scripts))).toEqual([]);
    const files = [...text.matchAll(/(?:node|sh|bash) ((?:scripts|deploy|\.ci)\/[\w./-]*\w)/g)].map(
      ([, file]) => file ?? '',
    );
    expect(files.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  test('docs/operations.md tells of every code of an error or a document’s warning what it means, and of no other', () => {
    const text = read('docs/operations.md');
    const told = new Set([...text.matchAll(/`([a-z]+(?:_[a-z]+)*)`/g)].map(([, code]) => code ?? ''));
    const codes = Object.keys(errorTable);
    const warnings: readonly string[] = documentWarningCodes;
    expect([...codes, ...warnings].filter((code) => !told.has(code))).toEqual([]);
    const tables = text.split('\n').filter((line) => /^\| (?:\d{3} \| )?`[a-z]+_/.test(line));
    const named = tables.flatMap((line) =>
      [...line.matchAll(/^\| (?:\d{3} \| )?(`[^|]+)/g)].map(([, cell]) => cell ?? ''),
    );
    const inTables = named.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, code]) => code ?? ''));
    expect(inTables.length).toBeGreaterThan(15);
    expect(inTables.filter((code) => !codes.includes(code) && !warnings.includes(code))).toEqual([]);
  });

  test.each(
    readdirSync(root).filter((name) => existsSync(path.join(root, name, 'README.md')) && name !== 'node_modules'),
  )('%s/README.md says in three sentences what the folder owns, what it may import, and how to add to it', (folder) => {
    const [title, blank, sentences = '', ...rest] = read(`${folder}/README.md`).split('\n');
    expect([title, blank, rest]).toEqual([`# ${folder}`, '', ['']]);
    expect(sentences.match(/^This folder owns .+?\. .+?import.+?\. To (?:add|change) .+\.$/)).not.toBeNull();
  });
});
