import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { Library } from '../retrieval/library.ts';
import { expectProblem } from '../support/api/expect-problem.ts';
import { testApi } from '../support/api/test-api.ts';
import { startFakeProvider } from '../support/fake-provider/start-fake-provider.ts';
import type { FakeProvider } from '../support/fake-provider/start-fake-provider.ts';

const api = testApi();
let fake: FakeProvider;

const axis = (at: number) => Array.from({ length: 384 }, (_, index) => (index === at ? 1 : 0));

beforeAll(async () => {
  fake = await startFakeProvider();
  const { workspaceId } = api.tenant;
  const [model] = await api.database.asOperator((em) =>
    query<{ id: string }>(em, `select id from models where workspace_id = $1 and kind = 'embedding'`, [workspaceId]),
  );
  const library = new Library(api.database, 384, { workspaceId, modelId: model!.id });
  const add = (title: string, text: string, metadata: Record<string, unknown>, at: number) =>
    library.add(title, [{ content: text, vector: axis(at) }], { metadata });
  await add('Lease', 'The lease of the office ends in May.', { department: 'legal', year: 2024 }, 0);
  await add('Old lease', 'The lease of the old office ended in June.', { department: 'legal', year: 2019 }, 1);
  await add('Menu', 'The canteen of the office serves soup.', { department: 'kitchen', year: 2024 }, 2);
  for (const [name, answer] of [
    ['grader', '[{"n": 1, "grade": 1}, {"n": 2, "grade": 9}, {"n": 3, "grade": 5}]'],
    ['talker', 'Certainly! The first passage is the best.'],
    ['phraser', 'canteen soup'],
  ])
    await api.call('POST', '/models', {
      body: {
        name,
        kind: 'chat',
        provider: 'openai',
        model_id: `fake?answer=${encodeURIComponent(answer!)}`,
        endpoint: fake.url,
        api_key: 'sk-test',
      },
    });
});
afterAll(() => fake?.stop());

const search = async (body: Record<string, unknown>, path = '/search') => {
  const answer = await api.call('POST', path, { body: { strategy: 'text', ...body } });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  return answer.json;
};
const titles = (answer: { hits: { title: string }[] }) => answer.hits.map((hit) => hit.title);

describe('POST /search', () => {
  test('finds by words, by vectors and by both, and says how', async () => {
    const text = await search({ query: 'lease' });
    expect(titles(text).sort()).toEqual(['Lease', 'Old lease']);
    expect(text.plan).toMatchObject({
      strategy: 'text',
      vector: null,
      fusion: null,
      text: { terms: ['leas'], found: 2 },
    });
    expect(text.hits[0]).toMatchObject({ vector: null, text: { rank: 1 }, context: null, rerank_score: null });
    expect(text.hits[0].score).toBe(text.hits[0].text.score);
    const hybrid = await search({ query: 'soup', strategy: 'hybrid', fusion: { method: 'rrf', k: 10 } });
    expect(hybrid.hits).toHaveLength(3);
    expect(hybrid.plan.fusion).toEqual({ method: 'rrf', weights: { vector: 1, text: 1 }, k: 10 });
    expect(hybrid.plan.vector).toMatchObject({
      model: 'all-MiniLM-L6-v2',
      metric: 'cosine',
      plan: 'exact',
      index: null,
    });
    expect(hybrid.warnings).toEqual([]);
  });

  test('filters over metadata, of the request, the RAG tool and the retrieval tool together', async () => {
    expect(titles(await search({ query: 'office', filters: { 'metadata.department': 'kitchen' } }))).toEqual(['Menu']);
    await api.call('POST', '/rag-tools', {
      body: {
        name: 'legal',
        embedding_model: 'all-MiniLM-L6-v2',
        retrieval_params: { filters: { 'metadata.department': 'legal' }, strategy: 'text' },
      },
    });
    expect(titles(await search({ query: 'office', rag_tool: 'legal' })).sort()).toEqual(['Lease', 'Old lease']);
    await api.call('POST', '/retrieval-tools', {
      body: { name: 'recent', retrieval_strategy: 'text', filters: { 'metadata.year': { gte: 2020 } } },
    });
    const both = { query: 'office', rag_tool: 'legal', retrieval_tool: 'recent' };
    expect(titles(await search(both))).toEqual(['Lease']);
    expect(titles(await search({ ...both, filters: { title: 'Old lease' } }))).toEqual([]);
  });

  test('a wrong filter is refused with every mistake, also in a tool', async () => {
    const filters = { colour: 'red', 'metadata.year': { above: 3 } };
    const answer = await api.call('POST', '/search', { body: { query: 'x', filters } });
    expectProblem(answer, 'invalid_filter');
    expect(answer.status).toBe(422);
    expect(answer.json.errors.map((mistake: { path: string }) => mistake.path)).toEqual([
      'body.filters.colour',
      'body.filters.metadata.year.above',
    ]);
    for (const [path, body] of [
      ['/retrieval-tools', { name: 'wrong', filters }],
      ['/rag-tools', { name: 'wrong', embedding_model: 'all-MiniLM-L6-v2', retrieval_params: { filters } }],
    ] as const)
      expectProblem(await api.call('POST', path, { body }), 'invalid_filter');
    expectProblem(
      await api.call('POST', '/search', { body: { query: 'x', filters: { knowledge_source: 7 } } }),
      'invalid_filter',
    );
  });

  test('a knowledge source, several, and one that is not there', async () => {
    expect(titles(await search({ query: 'office', filters: { knowledge_source: 'uploads' } }))).toEqual([]);
    await api.database.asOperator((em) =>
      query(
        em,
        `update documents d set knowledge_source_id = s.id from knowledge_sources s
         where s.workspace_id = d.workspace_id and d.workspace_id = $1 and s.name = 'uploads' and d.title = 'Menu'`,
        [api.tenant.workspaceId],
      ),
    );
    expect(titles(await search({ query: 'office', filters: { knowledge_source: ['uploads'] } }))).toEqual(['Menu']);
    const unknown = { query: 'office', filters: { knowledge_source: ['uploads', 'nowhere'] } };
    const answer = await api.call('POST', '/search', { body: unknown });
    expectProblem(answer, 'bad_request');
    expect(answer.json.detail).toContain('"nowhere"');
  });
});

describe('POST /search/test', () => {
  test('shows every candidate with its places, and the time of each stage', async () => {
    const asked = { query: 'lease of the office', strategy: 'hybrid', top_k: 1 };
    const answer = await search(asked, '/search/test');
    expect(answer.hits).toEqual((await search(asked)).hits);
    expect(answer.candidates).toHaveLength(3);
    expect(answer.candidates[0]).toMatchObject({ fusion: { rank: 1 }, hit: 1, left_out: null });
    expect(answer.candidates[1]).toMatchObject({ fusion: { rank: 2 }, hit: null, left_out: 'limit' });
    for (const each of answer.candidates) expect(each.vector).toMatchObject({ rank: expect.any(Number) });
    expect(answer.timings.map((timing: { stage: string }) => timing.stage)).toEqual(
      expect.arrayContaining(['setup', 'embed', 'vector', 'text', 'fuse', 'read']),
    );
  });
});

describe('models that cost money', () => {
  const usage = () =>
    api.database.asOperator((em) =>
      query<{ id: string; state: string; total_tokens: number | null; model: string }>(
        em,
        `select u.id, u.state, u.total_tokens, m.name as model from usage_metrics u join models m on m.id = u.model_id
         where u.workspace_id = $1 and u.entity_type = 'rag_tool' order by u."timestamp", u.id`,
        [api.tenant.workspaceId],
      ),
    );

  test('each call of a search has one usage row with the id that the provider was sent, also one that fails', async () => {
    const embedding = (name: string, modelId: string) => ({
      name,
      kind: 'embedding',
      provider: 'openai',
      model_id: modelId,
      endpoint: fake.url,
      api_key: 'sk-test',
      capabilities: { dimensions: 8 },
      dimensions: 8,
    });
    for (const [name, modelId] of [
      ['paid', 'fake?dimensions=8'],
      ['broken', 'fake?status=500'],
    ] as const) {
      const created = await api.call('POST', '/models', { body: embedding(name, modelId) });
      expect({ status: created.status, text: created.text }).toMatchObject({ status: 201 });
      const tool = { name, embedding_model: name };
      expect((await api.call('POST', '/rag-tools', { body: tool })).status).toBe(201);
    }
    const before = fake.log().length;
    const known = (await usage()).length;
    await search({ query: 'lease', rag_tool: 'paid', strategy: 'vector', rerank: { model: 'grader' } });
    await search({ query: 'lease', rag_tool: 'paid', strategy: 'text', rerank: { model: 'grader' } });
    expectProblem(
      await api.call('POST', '/search', { body: { query: 'lease', rag_tool: 'broken' } }),
      'provider_unavailable',
    );
    const calls = fake.log().slice(before);
    const rows = (await usage()).slice(known);
    expect(rows.map(({ model, state }) => [model, state])).toEqual([
      ['paid', 'settled'],
      ['grader', 'settled'],
      ['broken', 'unknown'],
    ]);
    expect(rows.map((row) => row.id)).toEqual(calls.map((call) => call.idempotencyKey));
    for (const row of rows.slice(0, 2)) expect(row.total_tokens).toBeGreaterThan(0);
    expect(rows[2]!.total_tokens).toBeNull();
  });
});

describe('chat models in a search', () => {
  test('rerank: grades decide the order; a model that does not grade leaves it, with a warning', async () => {
    const asked = { query: 'office', top_k: 3 };
    const plain = titles(await search(asked));
    const graded = await search({ ...asked, rerank: { model: 'grader' } });
    expect(titles(graded)).toEqual([plain[1], plain[2], plain[0]]);
    expect(graded.hits.map((hit: { rerank_score: number }) => hit.rerank_score)).toEqual([0.9, 0.5, 0.1]);
    expect(graded.plan.reranked).toBe(3);
    const talked = await search({ ...asked, rerank: { model: 'talker' } });
    expect(titles(talked)).toEqual(plain);
    expect(talked.warnings).toEqual([{ code: 'rerank_failed', detail: expect.stringContaining('list of grades') }]);
    expect(talked.plan.reranked).toBeNull();
  });

  test('rewrite: the phrased query is searched for; a tool says so, and a request turns it off', async () => {
    const tool = {
      name: 'phrased',
      embedding_model: 'all-MiniLM-L6-v2',
      retrieval_params: { rewrite: { model: 'phraser' } },
    };
    await api.call('POST', '/rag-tools', { body: tool });
    const phrased = await search({ query: 'what is there to eat', rag_tool: 'phrased' });
    expect([titles(phrased), phrased.plan.rewritten_query]).toEqual([['Menu'], 'canteen soup']);
    const plain = await search({ query: 'what is there to eat', rag_tool: 'phrased', rewrite: null });
    expect([titles(plain), plain.plan.rewritten_query]).toEqual([[], null]);
  });

  test('must exist and be chat models', async () => {
    const refused = (rerank: unknown) => api.call('POST', '/search', { body: { query: 'x', rerank } });
    expectProblem(await refused({ model: 'nobody' }), 'unknown_model');
    expectProblem(await refused({ model: 'all-MiniLM-L6-v2' }), 'bad_request');
    const body = {
      name: 'bad',
      embedding_model: 'all-MiniLM-L6-v2',
      retrieval_params: { rerank: { model: 'nobody' } },
    };
    expectProblem(await api.call('POST', '/rag-tools', { body }), 'unknown_model');
  });
});
