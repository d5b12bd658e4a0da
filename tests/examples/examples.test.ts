import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiClient } from '../../cli/api-client.ts';
import { findApiKey } from '../../cli/find-stack.ts';
import { loadDocuments } from '../../examples/load-documents.ts';
import { exitCodeOf, runEvaluation } from '../../examples/run-evaluation.ts';
import { judgeClaims } from '../../examples/scifact/judge-claims.ts';
import { readScifactSet } from '../../examples/scifact/scifact-set.ts';
import { squadRun } from '../../examples/squad/squad-run.ts';
import { readSquadSet } from '../../examples/squad/squad-set.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { startStack } from '../../scripts/supervisor/start-stack.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import { isolatedStackOptions } from '../support/servers/isolated-stack.ts';
import { writeScifactSample, writeSquadSample } from './sample-sets.ts';

let provider: Awaited<ReturnType<typeof startFakeProvider>>;
let stack: Stack;
let folder: string;
let client: ApiClient;

// Before the hook that removes the stack's home: hooks run in the order of their making.
afterAll(async () => {
  await stack?.stop();
  await provider?.stop();
  await rm(folder, { recursive: true, force: true });
}, 30_000);

const options = isolatedStackOptions(27_400);

beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'perdure-examples-'));
  provider = await startFakeProvider();
  const { processes: _all, ...rest } = options;
  const env = {
    ...options.env,
    OPENAI_BASE_URL: provider.url,
    PERDURE_CHAT_MODEL: 'fake-chat',
    PERDURE_FETCH_ALLOW: '127.0.0.1',
  };
  stack = await startStack({ ...rest, env });
  client = new ApiClient(String(stack.urls.api), findApiKey({}, options.home));
}, 120_000);

test('SQuAD: the extractive answerer finds, quotes and refuses, and the run passes its gates', async () => {
  await writeSquadSample(path.join(folder, 'squad'));
  const { documents, cases } = await readSquadSet(path.join(folder, 'squad'), 1000);
  expect(cases).toHaveLength(18);
  await loadDocuments(client, 'squad', documents);
  const evaluation = await runEvaluation(client, 'squad', cases, squadRun);
  expect(evaluation).toMatchObject({ status: 'completed', verdict: 'passed', progress: { total: 18, done: 18 } });
  expect(exitCodeOf(evaluation)).toBe(0);
  // Twelve of the questions have an answer.
  expect(evaluation.metrics['default']).toMatchObject({
    'hit_rate@5': { mean: 1, scored: 12, not_applicable: 6 },
    contains: { mean: 1, scored: 12, not_applicable: 6 },
    refusal: { mean: 1, scored: 18 },
    latency_ms: { scored: 18 },
  });
  const report = await client.text(`/evaluations/${evaluation.id}/report?format=markdown`);
  expect(report).toContain('- Verdict: **passed**');
  // The answerer asks no model.
  expect(provider.log()).toEqual([]);
}, 120_000);

test('SciFact: the verdicts of a judge are compared with the labels of people', async () => {
  await writeScifactSample(path.join(folder, 'scifact'));
  const claims = await readScifactSet(path.join(folder, 'scifact'), 1000);
  expect(claims.map(({ abstracts }) => abstracts.length)).toEqual([1, 1, 2, 1]);
  const says = (verdict: boolean) => ({
    answer: JSON.stringify({ verdicts: [{ n: 1, reason: 'Read there.', verdict }] }),
  });
  // It takes the second claim, which is right, for wrong.
  provider.control({ script: [says(true), says(false), says(true), says(false)] });
  const { evaluation, agreement } = await judgeClaims(client, claims, 'fake-chat', 1);
  expect(evaluation).toMatchObject({ status: 'completed', progress: { total: 4, done: 4, failed: 0 } });
  expect(agreement).toMatchObject({ cases: 4, agreed: 3, table: { yesYes: 2, yesNo: 1, noYes: 0, noNo: 1 } });
  expect(agreement.kappa).toBeCloseTo(0.5, 12);
  expect(provider.log()).toHaveLength(4);
}, 120_000);
