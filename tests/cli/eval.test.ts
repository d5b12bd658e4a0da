import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { v7 } from 'uuid';
import { query } from '../../entities/sql.ts';
import { testApi } from '../support/api/test-api.ts';
import { startFakeProvider, type FakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { startEvaluationWorker } from '../support/workspaces/evaluation-harness.ts';
import { runCli } from './run-cli.ts';

jest.setTimeout(120_000);
const api = testApi();
let provider: FakeProvider;
let worker: { stop(): Promise<void> };
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'perdure-eval-'));
  provider = await startFakeProvider();
  provider.control({ default: { answer: 'From 8 to 17.' } });
  const { database, temporal } = api;
  worker = await startEvaluationWorker({
    ...{ database, temporal },
    around: (_, run) => run(),
    throughDatabase: (same) => same,
  });
  const model = { kind: 'chat', provider: 'openai', model_id: 'fake', endpoint: provider.url, api_key: 'test' };
  await api.call('POST', '/models', { body: { name: 'fake', ...model } });
  await api.call('POST', '/models', { body: { name: 'broken', ...model, endpoint: 'http://127.0.0.1:9/v1' } });
  await api.call('POST', '/prompt-templates', { body: { name: 'plain', type: 'user', template: '{{question}}' } });
  await writeFile(path.join(folder, 'hours.csv'), 'question,expected_answer\nWhen?,From 8 to 17.\nWhere?,Here.\n');
});
afterAll(async () => {
  await worker?.stop();
  await provider?.stop();
  await rm(folder, { recursive: true, force: true });
});

const evaluate = (...args: string[]) =>
  runCli(['eval', 'run', '--dataset', path.join(folder, 'hours.csv'), '--target', 'prompt_template:plain', ...args], {
    url: api.url,
    key: api.tenant.key,
  });
const fake = ['--model', 'fake', '--metric', 'exact_match'];

test('exits with 0 when the gates hold, and writes the report as JUnit', async () => {
  const junit = path.join(folder, 'report.xml');
  const run = await evaluate(
    ...fake,
    '--gate',
    'exact_match>=0.5',
    '--junit',
    junit,
    '--name',
    'first',
    '--git-revision',
    'abc',
  );
  expect(run).toMatchObject({ code: 0, err: expect.stringContaining('version 1: 2 added') });
  expect(run.out).toMatch(/passed\s+2 of 2 {2}first/);
  expect(run.out).toMatch(/exact_match\s+0\.5/);
  expect(await readFile(junit, 'utf8')).toMatch(/<testsuites[^>]*>/);
});

test('exits with 1 when a gate fails, and with 2 when scores are missing or the request is wrong', async () => {
  expect(await evaluate(...fake, '--gate', 'exact_match>=0.9')).toMatchObject({
    code: 1,
    out: expect.stringContaining('failed'),
  });
  const away = await evaluate(
    '--model',
    'broken',
    '--metric',
    'exact_match',
    '--gate',
    'exact_match>=0.5',
    '--patience',
    '0',
    '--json',
  );
  expect(away.code).toBe(2);
  expect(JSON.parse(away.out)).toMatchObject({ verdict: 'incomplete', progress: { failed: 2 } });
  expect(await evaluate(...fake, '--gate', 'recall@5>=0.9')).toMatchObject({
    code: 2,
    err: expect.stringContaining('there is no metric "recall@5" in this run'),
  });
  expect(await evaluate('--metric', 'exact_match')).toMatchObject({ code: 2 });
});

test('lists runs, shows one and prints its report', async () => {
  const cli = (...args: string[]) => runCli(['eval', ...args], { url: api.url, key: api.tenant.key });
  expect((await cli('list')).out).toContain('first');
  expect(await cli('show', 'first')).toMatchObject({ code: 0, out: expect.stringContaining('exact_match') });
  expect((await cli('report', 'first')).out).toContain('# ');
  expect((await cli('report', 'first', '--format', 'csv')).out).toContain('When?');
  expect(await cli('show', 'no such run')).toMatchObject({ code: 2, err: expect.stringContaining('no evaluation') });
});

test('a model proposes cases from a document, a person reads them, accepts one and refuses the other', async () => {
  const cli = (...args: string[]) => runCli(['eval', ...args], { url: api.url, key: api.tenant.key });
  const passage = 'The desk is open from 8 to 17. It stands in the hall.';
  await addDocument(passage);
  const questions = [
    { question: 'When is the desk open?', answer: 'From 8 to 17.', quote: 'open from 8 to 17' },
    { question: 'Where is the desk?', answer: 'In the hall.', quote: 'stands in the hall' },
  ];
  provider.control({ script: [{ on: 'chat', answer: JSON.stringify({ questions }) }] });
  const asked = ['propose', '--dataset', 'desk', '--model', 'fake', '--passages', '1', '--questions', '2'];
  expect(await cli(...asked)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/completed\s+2 cases of 1 passages, 0 questions refused/),
    err: expect.stringContaining('perdure eval proposed desk'),
  });
  expect((await cli('proposed', 'desk')).out).toMatch(/When is the desk open\?\n {2}From 8 to 17\.\n/);
  const lines = (await cli('proposed', 'desk', '--json')).out.trim().split('\n');
  const [first, second] = lines.map((line) => JSON.parse(line) as { id: string; input: { question: string } });
  expect(await cli('accept', 'desk', '--all', '--reject', second!.id)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/1 cases accepted: "desk" has 1 in version \d+\./),
  });
  expect(await cli('proposed', 'desk')).toMatchObject({ out: '', err: expect.stringContaining('No case waits') });
  const { json } = await api.call('GET', '/evaluation-datasets?limit=50');
  const { id } = json.data.find(({ name }: { name: string }) => name === 'desk');
  const cases = (await api.call('GET', `/evaluation-datasets/${id}/cases`)).json.data;
  expect(cases).toMatchObject([{ id: first!.id, input: first!.input }]);
});

test('propose, proposed and accept say what they were called wrongly with', async () => {
  const cli = (...args: string[]) => runCli(['eval', ...args], { url: api.url, key: api.tenant.key });
  for (const args of [
    ['propose', '--dataset', 'desk'],
    ['propose', '--model', 'fake'],
    ['propose', '--dataset', 'desk', '--model', 'fake', '--passages', 'many'],
    ['propose', '--dataset', 'desk', '--model', 'no such model'],
    ['proposed'],
    ['accept', 'desk'],
    ['accept', '--all', 'no such set'],
  ])
    expect(await cli(...args)).toMatchObject({ code: 2, err: expect.stringMatching(/\S/) });
});

async function addDocument(content: string): Promise<void> {
  const { workspaceId } = api.tenant;
  const id = v7();
  await api.database.asOperator(async (em) => {
    await query(
      em,
      `insert into documents (id, workspace_id, title, document_type, is_global, status, latest_generation, active_generation)
       values ($1, $2, 'Desk', 'text', true, 'ready', 1, 1)`,
      [id, workspaceId],
    );
    await query(
      em,
      `insert into document_generations (document_id, generation, workspace_id, state, stage, workflow_id, mime_type,
         byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks)
       values ($1, 1, $2, 'active', 'done', 'test', 'text/plain', 1, '\\x00', 100, 0, 1)`,
      [id, workspaceId],
    );
    await query(
      em,
      `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count)
       values ($1, $2, 1, 0, $3, 0, $4, 20)`,
      [workspaceId, id, content, content.length],
    );
  });
}
