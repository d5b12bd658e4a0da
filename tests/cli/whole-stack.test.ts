import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { startStack } from '../../scripts/supervisor/start-stack.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { until } from '../support/until.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const answer = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');
let provider: Awaited<ReturnType<typeof startFakeProvider>>;
let stack: Stack;
let folder: string;

// Before the hook that removes the stack's home: hooks run in the order of their making.
afterAll(async () => {
  await stack?.stop();
  await provider?.stop();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

const options = isolatedStackOptions(26_200);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'perdure-cli-files-'));
  provider = await startFakeProvider();
  const { processes: _all, ...rest } = options;
  const env = { ...options.env, OPENAI_BASE_URL: provider.url, PERDURE_CHAT_MODEL: 'fake-chat' };
  stack = await startStack({ ...rest, env });
}, 120_000);

describe('the command line, on a stack that runs', () => {
  test('ingests what is good, tells what is not, and does nothing twice', async () => {
    await writeFile(path.join(folder, 'good.md'), '# Otters\n\nOtters hold hands while they sleep.\n');
    await writeFile(path.join(folder, 'empty.txt'), '');
    await writeFile(path.join(folder, 'binary.md'), Buffer.from([0, 1, 2, 255, 254, 0, 9, 8]));
    const first = await perdure('ingest', '--json', folder);
    expect(first.code).toBe(1);
    const results = lines(first.out).toSorted((a, b) => (String(a.path) < String(b.path) ? -1 : 1));
    expect(results).toMatchObject([
      {
        path: expect.stringMatching(/binary\.md$/),
        state: 'failed',
        reason: expect.stringMatching(/^document_binary/),
      },
      { path: expect.stringMatching(/empty\.txt$/), state: 'failed', reason: expect.stringMatching(/^document_empty/) },
      { path: expect.stringMatching(/good\.md$/), state: 'ready', type: 'markdown', chunks: 1, reason: null },
    ]);
    const second = await perdure('ingest', '--json', path.join(folder, 'good.md'));
    expect(second.code).toBe(0);
    expect(lines(second.out)).toMatchObject([{ state: 'unchanged', chunks: 1 }]);
  }, 240_000);

  test('asks on through a kill of the API in the middle of the answer: no word is missing, none comes twice', async () => {
    provider.control({ default: { answer, tokenMs: 100 } });
    const asking = perdure('ask', '--json', 'How do otters sleep?');
    await until(async () => provider.log().some(({ kind }) => kind === 'chat'), { what: 'the call of the model' });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    stack.processes.api?.kill('SIGKILL');
    const { code, out } = await asking;
    expect(code).toBe(0);
    const events = lines(out);
    const ids = events.slice(1).map(({ id }) => Number(id));
    expect(ids).toEqual(ids.toSorted((a, b) => a - b));
    expect(new Set(ids).size).toBe(ids.length);
    const text = events
      .filter(({ event }) => event === 'text_delta')
      .map(({ data }) => (data as { text: string }).text);
    expect(text.join('').trim()).toBe(answer);
    expect(events.at(-1)?.event).toBe('done');
  }, 240_000);

  test('shows what runs and how much is stored', async () => {
    await until(async () => (await perdure('status')).code === 0, { what: 'readiness', everyMs: 500 });
    const [status] = lines((await perdure('status', '--json')).out);
    expect(status).toMatchObject({
      ready: true,
      documents: { ready: 1 },
      ingestion_jobs: { completed: 1 },
      turns: { completed: 1 },
      postgresql: expect.stringMatching(/^\d+\.\d+/),
    });
    const processes = ['api', 'postgres', 'temporal', 'worker'].map((name) => expect.objectContaining({ name }));
    expect(status?.processes).toEqual(expect.arrayContaining(processes));
  }, 240_000);

  test('finds no breach and nothing wrong', async () => {
    const check = await perdure('check', '--json');
    expect(lines(check.out)).toEqual([{ ok: true, breaches: [] }]);
    expect(check.code).toBe(0);
    const doctor = await perdure('doctor', '--json');
    const states = new Map(lines(doctor.out).map(({ check: name, state }) => [name, state]));
    expect([...states].filter(([, state]) => state === 'failed')).toEqual([]);
    const looked = ['node', 'python', 'disk', 'ports', 'embedding model', 'secret key', 'database', 'durability'];
    const asked = ['temporal', 'retention', 'search attributes', 'worker chat', 'worker ingest', 'api'];
    expect([...states.keys()]).toEqual(expect.arrayContaining([...looked, ...asked]));
    expect(doctor.code).toBe(0);
  }, 240_000);

  test('finds a breach', async () => {
    await takeOneChunkAway();
    const check = await perdure('check', '--json');
    expect(check.code).toBe(1);
    // What full text counted is gone with the chunk: the number of documents, chunks and words, and each term.
    expect(lines(check.out)).toMatchObject([
      { ok: false, breaches: [{ invariant: 2, id: expect.any(String) }, { invariant: 9 }, { invariant: 9 }] },
    ]);
  }, 240_000);

  test('says what is down once the worker is gone, and after the whole stack is', async () => {
    await stack.stop();
    const status = await perdure('status');
    expect(status.code).toBe(1);
    expect(status.out).toMatch(/does not answer; start it with "npm start"/);
    const ask = await perdure('ask', 'anything');
    expect(ask).toMatchObject({
      code: 1,
      out: '',
      err: expect.stringMatching(/^error: The API at .* does not answer/),
    });
    const check = await perdure('check');
    expect(check).toMatchObject({ code: 2, err: expect.stringMatching(/^error: Nothing runs in .*npm start/) });
    const doctor = await perdure('doctor');
    expect(doctor.out).toMatch(/database +nothing runs here\n +Start the stack/);
  }, 240_000);
});

/** What no part of the product ever does to an active generation. */
async function takeOneChunkAway(): Promise<void> {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL, options: '-c role=perdure_operator' });
  await client.connect();
  const { rowCount } = await client.query('delete from document_chunks');
  await client.end();
  expect(rowCount).toBe(1);
}

/** Runs the installed command as a user would, its settings being nothing but PERDURE_HOME. */
function perdure(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, PERDURE_HOME: options.home };
  return new Promise((resolve) => {
    execFile(process.execPath, [path.join(checkout, 'cli/perdure.mjs'), ...args], { env }, (error, out, err) => {
      resolve({ code: error ? Number(error.code) : 0, out, err });
    });
  });
}

function lines(out: string): Record<string, unknown>[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
