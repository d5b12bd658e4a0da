import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { collectFiles } from '../../cli/collect-files.ts';
import { runCli } from './run-cli.ts';
import { sendJson, startScriptedApi } from './scripted-api.ts';

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
  test('are those of types that are read, sorted, named from where the command runs', async () => {
    const { files, ignored } = await collectFiles(['docs', 'docs/b.md'], folder);
    expect(files.map(({ path: name, type }) => [name, type])).toEqual([
      ['docs/a.HTML', 'html'],
      ['docs/b.md', 'markdown'],
      ['docs/sub/c.txt', 'text'],
    ]);
    expect(ignored).toBe(1);
  });

  test('have one name each, however they are given', async () => {
    const names = async (given: string, base?: string): Promise<string[]> =>
      (await collectFiles([path.join(folder, given)], os.homedir(), base)).files.map(({ path: name }) => name);
    expect(await names('docs/sub')).toEqual([`${folder}/docs/sub/c.txt`]);
    expect(await names('docs/sub/c.txt')).toEqual([`${folder}/docs/sub/c.txt`]);
    expect(await names('docs/sub', folder)).toEqual(['docs/sub/c.txt']);
    expect(await names('docs/sub/c.txt', path.join(folder, 'docs'))).toEqual(['sub/c.txt']);
  });

  test.each([['nowhere'], ['docs/image.png']])('refuse %s', async (name) => {
    await expect(collectFiles([name], folder)).rejects.toThrow(name);
  });
});

describe('perdure ingest', () => {
  const states: Record<string, object> = {
    'd-1': {
      state: 'active',
      characters: 3,
      expected_chunks: 1,
      warnings: [{ code: 'partial_text', detail: 'Two tables were flattened.' }],
      error: null,
    },
    'd-2': {
      state: 'failed',
      characters: null,
      expected_chunks: null,
      warnings: [],
      error: { code: 'x', detail: 'Why.' },
    },
  };

  /** Refuses c.txt, ingests a.HTML, fails b.md, and has the job end at its second look. */
  async function startIngesting() {
    let looks = 0;
    return startScriptedApi((request, response) => {
      if (request.path === '/documents/batch') {
        return sendJson(response, 202, {
          job: { id: 'j-1' },
          documents: [
            { index: 0, path: 'a', document_id: 'd-1', generation: 1, unchanged: false, error: null },
            { index: 1, path: 'b', document_id: 'd-2', generation: 1, unchanged: false, error: null },
            {
              index: 2,
              path: 'c',
              document_id: null,
              generation: null,
              unchanged: false,
              error: { code: 'document_binary', detail: 'The document is binary.' },
            },
          ],
        });
      }
      if (request.path === '/ingestion-jobs/j-1') {
        looks += 1;
        return sendJson(response, 200, {
          status: looks < 2 ? 'processing' : 'partial',
          processed_documents: looks < 2 ? 0 : 1,
          failed_documents: looks < 2 ? 0 : 1,
        });
      }
      const id = request.path.split('/').at(-1)!;
      const latest = looks < 2 ? { state: 'staging', warnings: [] } : states[id];
      return sendJson(response, 200, { id, latest: { generation: 1, ...latest }, error: null });
    });
  }

  test('tells of each file what became of it, and fails if one failed', async () => {
    const api = await startIngesting();
    try {
      const run = await runCli(['ingest', '--base', folder, '--source', 'handbook', path.join(folder, 'docs')], {
        url: api.url,
      });
      expect(run.code).toBe(1);
      expect(run.out).toBe(
        'failed     docs/sub/c.txt  document_binary: The document is binary.\n' +
          'ready      docs/a.HTML  1 chunks, 3 characters\n           partial_text: Two tables were flattened.\n' +
          'failed     docs/b.md  x: Why.\n',
      );
      expect(run.err).toBe('2 failed, 1 ready; 1 of other types left out\n');
      expect(api.seen[0]?.body).toMatchObject({
        knowledge_source: 'handbook',
        documents: [
          { path: 'docs/a.HTML', document_type: 'html', text: '<p>A</p>' },
          { path: 'docs/b.md', document_type: 'markdown', text: '# B' },
          { path: 'docs/sub/c.txt', document_type: 'text', text: 'C' },
        ],
      });
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
      expect(lines).toHaveLength(3);
      expect(lines[1]).toEqual({
        path: 'docs/a.HTML',
        state: 'ready',
        type: 'html',
        warnings: [{ code: 'partial_text', detail: 'Two tables were flattened.' }],
        reason: null,
        characters: 3,
        chunks: 1,
        document_id: 'd-1',
      });
      expect(lines[0]).toMatchObject({ state: 'failed', reason: 'document_binary: The document is binary.' });
    } finally {
      await api.close();
    }
  });
});

test('a command that is called wrongly ends with 2 and shows its usage', async () => {
  for (const args of [['ingest'], ['ingest', '--nope', 'x'], ['ask'], ['nonsense'], []]) {
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
