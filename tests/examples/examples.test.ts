import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { ApiClient } from '../../cli/api-client.ts';
import type { Evaluation } from '../../contracts/evaluation.ts';
import type { CaseProposal } from '../../contracts/evaluation-dataset.ts';
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
import { until } from '../support/until.ts';
import { startEndpointService } from './endpoint-service.ts';
import { writeScifactSample, writeSquadSample } from './sample-sets.ts';

jest.setTimeout(120_000);
let provider: Awaited<ReturnType<typeof startFakeProvider>>;
let stack: Stack;
let folder: string;
let client: ApiClient;

// Before the hook that removes the stack's home: hooks run in the order of their making.
afterAll(async () => {
  await stack?.stop();
  await provider?.stop();
  await rm(folder, { recursive: true, force: true });
}, 120_000);

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

describe('every kind of target, over HTTP', () => {
  const places = [
    { path: 'places/arbonne', title: 'Arbonne', text: 'Arbonne lies on the river Selune and is known for its glass.' },
    { path: 'places/brackwater', title: 'Brackwater', text: 'Brackwater lies on the river Tamble and makes rope.' },
    { path: 'places/corvenna', title: 'Corvenna', text: 'Corvenna lies on the river Ossa; its mills make paper.' },
  ];
  const cases = [
    {
      key: 'a',
      input: { question: 'On which river does Arbonne lie?' },
      expected_answer: 'Selune',
      expected_documents: ['places/arbonne'],
    },
    {
      key: 'b',
      input: { question: 'What does Brackwater make?' },
      expected_answer: 'rope',
      expected_documents: ['places/brackwater'],
    },
  ];
  const filters = { knowledge_source: 'places' };
  const measured = async (run: object): Promise<Evaluation> => {
    const body = { test_cases: cases, patience_seconds: 5, ...run };
    const { id } = await client.request<Evaluation>('/evaluations', {
      method: 'POST',
      body,
      idempotencyKey: randomUUID(),
    });
    return until(
      async () => {
        const row = await client.request<Evaluation>(`/evaluations/${id}`);
        return row.completed_at !== null && row;
      },
      { what: 'the verdict', timeoutMs: 60_000, everyMs: 100 },
    );
  };

  beforeAll(async () => {
    provider.control({ reset: true });
    await loadDocuments(client, 'places', places);
  }, 120_000);

  test('a retrieval tool in two variants: ranks alone count, and no model is asked', async () => {
    const tool = { name: 'words', retrieval_strategy: 'text' };
    await client.request('/retrieval-tools', { method: 'POST', body: tool, idempotencyKey: randomUUID() });
    const run = await measured({
      target: { type: 'retrieval_tool', retrieval_tool: 'words' },
      variants: [
        { name: 'words', filters },
        { name: 'meaning', filters, strategy: 'vector', top_k: 1 },
      ],
      metrics: ['recall@1', 'mrr', 'precision@3', 'ndcg@3', 'hit_rate@1'],
      gates: ['recall@1>=1', 'mrr>=1'],
    });
    expect(run).toMatchObject({ verdict: 'passed', progress: { total: 4, done: 4, failed: 0 } });
    expect(run.metrics['meaning']).toMatchObject({ 'recall@1': { mean: 1 }, 'ndcg@3': { mean: 1 } });
    expect(provider.log()).toEqual([]);
  });

  test('a RAG tool with and without a model: what was found reaches the prompt and the judges', async () => {
    provider.control({ reset: true, default: { answer: 'It makes rope; Arbonne lies on the Selune.' } });
    const bare = await measured({
      target: { type: 'rag_tool', rag_tool: 'documents' },
      variants: [{ name: 'one', filters, top_k: 1 }],
      metrics: ['recall@1', 'contains'],
    });
    expect(bare).toMatchObject({
      verdict: 'incomplete',
      metrics: { one: { 'recall@1': { mean: 1 }, contains: { unscored: 2 } } },
    });
    const run = await measured({
      target: { type: 'rag_tool', rag_tool: 'documents', model: 'fake-chat', instructions: 'Answer in one line.' },
      variants: [{ name: 'three', filters, top_k: 3, temperature: 0 }],
      metrics: [
        'contains',
        'token_f1',
        'context_recall',
        'latency_ms',
        { name: 'regex', parameters: { pattern: 'rope' } },
      ],
      judge: 'extractive',
      gates: ['contains>=1', 'regex>=1'],
    });
    expect(run).toMatchObject({ verdict: 'passed', metrics: { three: { contains: { mean: 1 }, regex: { mean: 1 } } } });
    const { items } = await client.request<{ items: { prompt: unknown; contexts: { title: string }[] }[] }>(
      `/evaluations/${run.id}/audit`,
    );
    expect(JSON.stringify(items[0]!.prompt)).toContain('Answer in one line.');
    expect(JSON.stringify(items[0]!.prompt)).toContain('river Selune');
    expect(items[0]!.contexts[0]!.title).toBe('Arbonne');
  });

  test('prompt templates as variants, with the variables of the case', async () => {
    provider.control({ reset: true, default: { answer: '{"town": "Arbonne"}' } });
    for (const [name, type, template] of [
      ['plain', 'user', 'In {{style}}: {{question}}'],
      ['strict', 'system', 'Answer as JSON, in {{style}}.'],
    ])
      await client.request('/prompt-templates', {
        method: 'POST',
        body: { name, type, template, variables: [{ name: 'style', type: 'string' }] },
        idempotencyKey: randomUUID(),
      });
    const run = await measured({
      test_cases: cases.map(({ key, input }) => ({ key, input: { ...input, variables: { style: 'one word' } } })),
      target: { type: 'prompt_template', prompt_template: 'plain', model: 'fake-chat' },
      variants: [{ name: 'plain' }, { name: 'strict', prompt_template: 'strict', max_tokens: 50 }],
      metrics: [{ name: 'json_schema', parameters: { schema: { type: 'object', required: ['town'] } } }],
      gates: ['json_schema>=1'],
      repetitions: 2,
    });
    expect(run).toMatchObject({ verdict: 'passed', progress: { total: 8, done: 8 } });
    const { items } = await client.request<{ items: { prompt: { role: string; content: string }[] }[] }>(
      `/evaluations/${run.id}/audit`,
    );
    expect(items[0]!.prompt).toEqual([{ role: 'user', content: 'In one word: On which river does Arbonne lie?' }]);
    expect(items[4]!.prompt.map(({ role }) => role)).toEqual(['system', 'user']);
  });

  test('an endpoint outside, its sealed headers, its passages, and a metric of one’s own behind another', async () => {
    const service = await startEndpointService();
    try {
      const run = await measured({
        test_cases: cases.slice(0, 1),
        target: {
          type: 'endpoint',
          url: `${service.url}/answer`,
          headers: { 'x-key': 'a secret of the test' },
          ...{ answer: '/reply/text', contexts: '/reply/sources' },
        },
        metrics: [
          'contains',
          'recall@1',
          { name: 'endpoint', label: 'own', parameters: { url: `${service.url}/score` } },
          { name: 'endpoint', label: 'gone', parameters: { url: `${service.url}/score`, range: [0.8, 1] } },
        ],
        gates: ['contains>=1', 'own>=0.5'],
      });
      expect(run).toMatchObject({
        verdict: 'passed',
        metrics: { default: { 'recall@1': { mean: 1 }, own: { mean: 0.5 }, gone: { unscored: 1 } } },
      });
      expect(JSON.stringify(run)).not.toContain('a secret of the test');
      expect(service.received[0]).toMatchObject({
        path: '/answer',
        key: 'a secret of the test',
        body: { question: cases[0]!.input.question, case: 'a', repetition: 0 },
      });
      expect(service.received.find((call) => call.path === '/score')!.body).toMatchObject({
        answer: 'The Selune.',
        expected_answer: 'Selune',
        contexts: [{ document_id: 'places/arbonne', text: 'On the Selune.' }],
      });
    } finally {
      service.stop();
    }
  });

  test('an agent, in a conversation of two turns', async () => {
    provider.control({ reset: true, default: { answer: 'On the Selune, since ever.' } });
    const agent = { name: 'guide', system_prompt: 'You know towns.', model: 'fake-chat' };
    await client.request('/agents', { method: 'POST', body: agent, idempotencyKey: randomUUID() });
    const messages = [
      { role: 'user', content: 'I mean Arbonne.' },
      { role: 'assistant', content: 'Yes?' },
      { role: 'user', content: 'On which river is it?' },
    ];
    const run = await measured({
      test_cases: [{ key: 'talk', input: { messages }, expected_answer: 'Selune' }],
      target: { type: 'agent', agent: 'guide' },
      metrics: ['contains', 'latency_ms'],
      gates: ['contains>=1'],
    });
    expect(run).toMatchObject({ verdict: 'passed', progress: { total: 1, done: 1 } });
    const { items } = await client.request<{ items: { turn_ids: string[] }[] }>(`/evaluations/${run.id}/audit`);
    expect(items[0]!.turn_ids).toHaveLength(2);
    expect(provider.log()).toHaveLength(2);
  });

  test('a model proposes cases from the documents, a person accepts, and they are measured', async () => {
    const question = { question: 'What is Arbonne known for?', answer: 'Its glass.', quote: 'known for its glass' };
    provider.control({ reset: true, default: { answer: JSON.stringify({ questions: [question] }) } });
    const post = <Body>(address: string, body: object) =>
      client.request<Body>(address, { method: 'POST', body, idempotencyKey: randomUUID() });
    const { id } = await post<{ id: string }>('/evaluation-datasets', { name: 'proposed' });
    const dataset = `/evaluation-datasets/${id}`;
    const asked = await post<CaseProposal>(`${dataset}/propose`, {
      ...{ model: 'fake-chat', knowledge_source: 'places', passages: 3, questions_per_passage: 1 },
    });
    const ended = await until(
      async () => {
        const proposal = await client.request<CaseProposal>(`${dataset}/proposals/${asked.id}`);
        return proposal.completed_at !== null && proposal;
      },
      { what: 'the proposal', timeoutMs: 30_000, everyMs: 100 },
    );
    // Only one passage bears the words out.
    expect(ended).toMatchObject({ status: 'completed', passages: { total: 3, done: 3 }, proposed: 1, refused: 2 });
    const { data } = await client.request<{ data: { id: string }[] }>(`${dataset}/cases?state=proposed`);
    expect(data).toHaveLength(1);
    const accepted = await post<{ accepted: number; dataset: { case_count: number } }>(`${dataset}/accept`, {
      accept: data.map((one) => one.id),
    });
    expect(accepted).toMatchObject({ accepted: 1, proposed: 0, dataset: { case_count: 1, version: 1 } });
    const run = await measured({
      ...{ test_cases: undefined, dataset: 'proposed' },
      target: { type: 'rag_tool', rag_tool: 'documents' },
      variants: [{ name: 'found', filters }],
      metrics: ['recall@3'],
      gates: ['recall@3>=1'],
    });
    expect(run.verdict).toBe('passed');
  });
});
