import { beforeAll, expect, test } from '@jest/globals';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';

const api = testApi();
const cases = [{ input: { question: 'When is it open?' }, expected_documents: ['hours.txt'] }];
const target = { type: 'rag_tool', rag_tool: 'documents' };

beforeAll(async () => {
  await api.call('POST', '/evaluation-datasets', { body: { name: 'hours', cases } });
});

const ask = (body: Record<string, unknown>) => api.call('POST', '/evaluations', { body });

test('a run keeps what it measures with its versions, and shows no credential', async () => {
  const made = await ask({
    dataset: 'hours',
    target: { type: 'endpoint', url: 'https://example.org/answer', headers: { authorization: 'Bearer secret' } },
    metrics: ['contains', { name: 'recall@k', parameters: { k: 3 } }],
    gates: ['recall@3>=0.5'],
    git_revision: 'abc',
  });
  expect(made.status).toBe(202);
  expect(made.text).not.toContain('secret');
  expect(made.json).toMatchObject({
    status: 'queued',
    dataset_version: 1,
    git_revision: 'abc',
    target: { variants: [{ name: 'default', endpoint: { url: 'https://example.org/answer', has_headers: true } }] },
    configuration: { metrics: [{ label: 'contains' }, { label: 'recall@3', parameters: { k: 3 } }] },
  });
  const rag = await ask({
    dataset: 'hours',
    target,
    metrics: ['mrr'],
    variants: [{ name: 'a', top_k: 3 }, { name: 'b' }],
  });
  expect(rag.json.target.variants).toMatchObject([
    { name: 'a', search: { top_k: 3 }, ragTool: { name: 'documents', version: expect.stringContaining('T') } },
    { name: 'b', search: {} },
  ]);
});

test.each([
  ['a metric that there is not', { metrics: ['accuracy'] }, 'body.metrics.0'],
  ['a metric twice', { metrics: ['mrr', 'mrr'] }, 'body.metrics.1'],
  ['a gate on another metric', { gates: ['recall@5>=1'] }, 'body.gates.0'],
  ['a gate without a condition', { gates: [{ metric: 'mrr' }] }, 'body.gates.0'],
  ['a judge that is needed', { metrics: ['faithfulness'] }, 'body.judge'],
  ['a data set that there is not', { dataset: 'none' }, 'body.dataset'],
  ['a version that there is not', { dataset_version: 7 }, 'body.dataset_version'],
  ['a baseline that there is not', { baseline: 'none' }, 'body.baseline'],
  ['a tool that there is not', { target: { type: 'rag_tool', rag_tool: 'none' } }, 'body.target.rag_tool'],
  [
    'a variant that does not go with the target',
    { variants: [{ name: 'a', url: 'https://x.org' }] },
    'body.variants.0.url',
  ],
])('a request with %s is refused, and says where', async (_what, change, path) => {
  const answer = await ask({ dataset: 'hours', target, metrics: ['mrr'], ...change });
  expectProblem(answer, 'bad_request');
  expect(answer.json.errors).toMatchObject([{ path }]);
});

test('a run that has not begun can be cancelled, retried and, once it has ended, deleted', async () => {
  const { json } = await ask({ dataset: 'hours', target, metrics: ['mrr'], name: 'to be cancelled' });
  const address = `/evaluations/${json.id}`;
  expectProblem(await api.call('DELETE', address), 'conflict');
  expectProblem(await ask({ dataset: 'hours', target, metrics: ['mrr'], name: 'to be cancelled' }), 'conflict');
  expectProblem(await api.call('DELETE', `/evaluation-datasets/${json.dataset_id}`), 'conflict');
  for (const _again of [1, 2]) {
    const cancelled = await api.call('POST', `${address}/cancel`);
    expect(cancelled.json).toMatchObject({ status: 'cancelled', verdict: null, error: { code: 'cancelled' } });
  }
  expect((await api.call('GET', `${address}/report?format=markdown`)).text).toContain('to be cancelled');
  expect((await api.call('DELETE', address)).status).toBe(204);
  expectProblem(await api.call('GET', address), 'not_found');
});

test('cases of the request itself become a data set', async () => {
  const { json } = await ask({ test_cases: cases, target, metrics: ['mrr'] });
  const set = await api.call('GET', `/evaluation-datasets/${json.dataset_id}`);
  expect(set.json).toMatchObject({ version: 1, case_count: 1, name: `Cases of ${json.id}` });
});
