import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { reopenRun } from '../../entities/evaluations/evaluation-repository.ts';
import { evaluationHarness } from '../support/workspaces/evaluation-harness.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const h = evaluationHarness();
let server: Server;
let url: string;
let answered: string[] = [];
let answer: (question: string) => { status: number; body: unknown };

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString()));
    request.on('end', () => {
      const { question } = JSON.parse(text) as { question: string };
      answered.push(question);
      const { status, body } = answer(question);
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => {
  server.close();
});

const endpoint = () => ({
  template: null,
  model: null,
  endpoint: { url, headersSealed: null, answer: '/result/text', contexts: '/result/passages' },
});
const cases = (count: number) =>
  Array.from({ length: count }, (_, index) => ({
    key: `case ${index}`,
    question: `Question ${index}`,
    expected_answer: 'yes',
  }));

test('a poisoned case fails alone: the others are scored, its metrics are not, and the verdict is incomplete', async () => {
  answer = (question) =>
    question === 'Question 7'
      ? { status: 500, body: {} }
      : { status: 200, body: { result: { text: 'yes', passages: ['a passage', { document: 'd', text: 'another' }] } } };
  const run = { cases: cases(40), measure: ['exact_match'], variants: [endpoint()], patience_seconds: 1 };
  const key = await h.start({ ...run, gates: [{ metric: 'exact_match', min: 1 }] }, undefined, 'endpoint');
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'incomplete' });
  expect((await h.row(key)).items).toEqual({ done: 39, failed: 1 });
  const scores = await h.scores(key);
  expect(scores['case 7/0/exact_match']).toBe('unscored');
  expect(Object.values(scores).filter((score) => score === 1)).toHaveLength(39);
  expect(new Set(answered.filter((question) => question !== 'Question 7')).size).toBe(39);
  expect(answered.filter((question) => question !== 'Question 7')).toHaveLength(39);
  const [item] = await h.query(`select contexts from evaluation_items where evaluation_id = $1 and ordinal = 0`, [
    key.evaluationId,
  ]);
  expect(item).toMatchObject({ contexts: [{ text: 'a passage' }, { document_id: 'd', text: 'another' }] });
});

test('a cancel keeps what was measured, and a retry goes on with the rest', async () => {
  answered = [];
  answer = () => ({ status: 200, body: { result: { text: 'yes' } } });
  const key = await h.start(
    { cases: cases(200), measure: ['exact_match'], variants: [endpoint()], lanes: 2, rate: 6000 },
    undefined,
    'endpoint',
  );
  await until(async () => ((await h.row(key)).items.done ?? 0) >= 20, { what: 'twenty items', timeoutMs: 30_000 });
  await h.cancel(key);
  expect(await h.result(key).catch((error: unknown) => error)).toBeDefined();
  const row = await h.row(key);
  expect(row).toMatchObject({ status: 'cancelled', verdict: null, error: { code: 'cancelled' } });
  const { done = 0, cancelled = 0 } = row.items;
  expect(done + cancelled).toBe(200);
  expect(cancelled).toBeGreaterThan(0);
  expect(Object.keys(await h.scores(key)).length).toBe(done);
  await h.retry(key);
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  expect((await h.row(key)).items).toEqual({ done: 200 });
  // What was under way at the cancel, in two lanes, may have been asked twice.
  expect(answered.length).toBeLessThanOrEqual(202);
  const { workspaceId } = key;
  expect(await h.database.inWorkspace(workspaceId, (em) => reopenRun(em, key))).toBe(0);
});

test('a run of many blocks is continued in bounded histories, which are kept when it has ended', async () => {
  answer = () => ({ status: 200, body: { result: { text: 'yes' } } });
  const key = await h.start(
    { cases: cases(120), measure: ['exact_match'], variants: [endpoint(), endpoint()], repetitions: 2, lanes: 3 },
    1,
    'endpoint',
  );
  expect(await h.result(key)).toEqual({ state: 'completed', verdict: 'passed' });
  expect((await h.row(key)).items).toEqual({ done: 480 });
  const kept = () =>
    h.query<{ run_id: string }>(`select distinct run_id from evaluation_histories where evaluation_id = $1`, [
      key.evaluationId,
    ]);
  await until(
    async () => {
      await h.sweep();
      return (await kept()).length >= 5;
    },
    { what: 'the histories', everyMs: 500 },
  );
  const histories = await h.histories(key);
  for (const { events } of histories) expect(events).toBeLessThan(80);
  expect(histories.map(({ last }) => last)).toEqual([
    ...Array.from({ length: 4 }, () => 'EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW'),
    'EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED',
  ]);
});
