import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { query } from '../../entities/sql.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { SearchDependencies } from '../../retrieval/search-dependencies.ts';
import type { SearchRequest } from '../../retrieval/search-request.ts';
import { search } from '../../retrieval/search.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { Library } from './library.ts';

const clone = testDatabase();
let database: Database;
let library: Library;

// A circle of vectors: the n-th is n degrees away from the query.
const degrees = (n: number): number[] => [Math.cos((n * Math.PI) / 180), Math.sin((n * Math.PI) / 180), 0];
const embeddingModel = {
  embed: async () => ({ vectors: [Float32Array.from(degrees(0))], usage: { promptTokens: null } }),
};

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: clone.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  library = await new Library(database).create();
  const chunks = (name: string, from: number, count: number) =>
    Array.from({ length: count }, (_, index) => ({
      content: `${name} passage ${index}.`,
      vector: degrees(from + index),
    }));
  await library.add('long', chunks('long', 1, 30));
  await library.add('short', chunks('short', 40, 3));
  await library.add('words', [{ content: 'A rare okapi.', vector: degrees(90) }]);
});
afterAll(() => database.close());

function run(request: Partial<SearchRequest> = {}, more: Partial<SearchDependencies> = {}) {
  return search(
    { database, embeddingModel, textAnalyzer, ...more },
    { workspaceId: library.workspaceId, userId: null, modelId: library.modelId, query: 'okapi', limit: 5, ...request },
  );
}

describe('the shape of an answer', () => {
  test('at most N chunks of a document; where one document fills the lists, the search looks deeper', async () => {
    const request = { strategy: 'vector', limit: 4, candidates: 5, maxPerDocument: 2 } as const;
    const outcome = await run(request);
    expect(outcome.hits.map((hit) => [hit.title, hit.chunkIndex])).toEqual([
      ['long', 0],
      ['long', 1],
      ['short', 0],
      ['short', 1],
    ]);
    expect(outcome.plan.candidates).toBeGreaterThan(5);
    const all = await run({ ...request, limit: 10, maxPerDocument: 1 });
    expect(all.hits.map((hit) => hit.title)).toEqual(['long', 'short', 'words']);
  });

  test('hits below the least score are left out', async () => {
    const { hits, candidates } = await run({
      strategy: 'vector',
      limit: 50,
      minScore: Math.cos((10.5 * Math.PI) / 180),
    });
    expect(hits.map((hit) => hit.chunkIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(candidates.filter((each) => each.leftOut === 'min_score')).toHaveLength(24);
  });

  test('neighbours come with a hit, as far as there are any, and none unless asked for', async () => {
    const source = 'The text that is cut. Into parts that overlap. And each one follows.';
    const cuts = [
      [0, 25],
      [22, 50],
      [47, source.length],
    ] as const;
    const id = await library.add(
      'cut',
      cuts.map(([start, end], index) => ({ content: source.slice(start, end), vector: degrees(0.1 * index) })),
    );
    await database.asOperator(async (em) => {
      for (const [index, [start, end]] of cuts.entries())
        await query(
          em,
          `update document_chunks set start_char = $2, end_char = $3 where document_id = $1 and chunk_index = $4`,
          [id, start, end, index],
        );
    });
    const contextOf = async (neighbours: number) =>
      (await run({ strategy: 'vector', limit: 1, neighbours })).hits[0]!.context;
    expect(await contextOf(0)).toBeNull();
    expect(await contextOf(1)).toMatchObject({ content: source.slice(0, 50), startChar: 0, endChar: 50 });
    expect(await contextOf(9)).toMatchObject({ content: source, startChar: 0, endChar: source.length });
    expect((await contextOf(9))!.chunks.map((chunk) => chunk.chunkIndex)).toEqual([0, 1, 2]);
    await database.asOperator((em) => query(em, 'delete from documents where id = $1', [id]));
  });

  test('what one list alone has found is fused with its true score in the other', async () => {
    const { candidates } = await run({ limit: 3, candidates: 3 });
    const words = candidates.find((each) => each.text !== null)!;
    expect(words.vector).toEqual({ rank: null, score: expect.closeTo(0, 6) });
    const deep = await run({ limit: 3, candidates: 50 });
    expect(deep.candidates.find((each) => each.text !== null)!.score).toBeCloseTo(words.score, 9);
    expect(deep.hits.map((hit) => hit.score)).toEqual(
      (await run({ limit: 3, candidates: 3 })).hits.map((hit) => hit.score),
    );
  });

  test('for fusion the words of the chunks before and after count half', async () => {
    const own = await new Library(database).create();
    const vector = degrees(0);
    await own.add('a', [
      { content: 'okapi okapi', vector },
      { content: 'zebra', vector },
      { content: 'lion', vector },
    ]);
    await own.add('b', [{ content: 'zebra lion', vector }]);
    const { candidates } = await run({ workspaceId: own.workspaceId, modelId: own.modelId });
    // Four chunks of two documents with six words: on average 1.5, and with their neighbours' half 2.25.
    const bm25 = (frequency: number, length: number) =>
      (Math.log(1 + 3.5 / 1.5) * frequency) / (frequency + 1.5 * (0.25 + (0.75 * length) / 2.25));
    const scoreOf = (chunk: number) => candidates.find((each) => each.chunkIndex === chunk && each.text !== null)?.text;
    expect(scoreOf(0)).toEqual({ rank: 1, score: expect.closeTo(bm25(2, 2.5), 9) });
    expect(scoreOf(1)).toEqual({ rank: null, score: expect.closeTo(bm25(1, 2.5), 9) });
    expect(scoreOf(2)).toBeUndefined();
  });

  test('the plan says what was done and why, and each stage has its time', async () => {
    const { plan, timings, hits, candidates } = await run({ modelName: 'synthetic' });
    expect(plan).toMatchObject({
      strategy: 'hybrid',
      fusion: { method: 'convex', weights: { vector: 0.75, text: 0.25 } },
      vector: { model: 'synthetic', metric: 'cosine', plan: 'exact', index: null, found: 34 },
      text: { terms: ['okapi'], found: 1 },
    });
    expect(plan.vector!.reason).toMatch(/^The model has about \d+ vectors: comparing with all is quicker/);
    const { plan: other } = await run({ modelName: 'synthetic', metric: 'l2' });
    expect(other.vector!.reason).toBe('The model has no index for the metric l2.');
    expect(timings.map(({ stage }) => stage)).toEqual(['embed', 'vector', 'text', 'join', 'database', 'fuse', 'read']);
    for (const { ms } of timings) expect(ms).toBeGreaterThanOrEqual(0);
    expect(candidates.filter((each) => each.hit !== null).map((each) => each.hit)).toEqual([1, 2, 3, 4, 5]);
    expect(hits).toHaveLength(5);
  });
});

describe('a reranker', () => {
  test('orders the best candidates anew, and its scores are shown', async () => {
    const seen: string[] = [];
    const reranker = {
      rerank: async (_: string, passages: readonly { text: string }[]) => {
        seen.push(...passages.map((passage) => passage.text));
        return passages.map((_passage, index) => index / 10);
      },
    };
    const { hits, plan } = await run({ strategy: 'vector', limit: 2, rerankCandidates: 4 }, { reranker });
    expect(seen).toHaveLength(4);
    expect(hits.map((hit) => [hit.chunkIndex, hit.rerankScore])).toEqual([
      [3, 0.3],
      [2, 0.2],
    ]);
    expect(plan.reranked).toBe(4);
  });

  test('that fails is done without, with a warning that shows nothing of an unexpected error', async () => {
    const reranker = { rerank: () => Promise.reject(new Error('a secret')) };
    const { hits, warnings } = await run({ strategy: 'vector', limit: 2 }, { reranker });
    expect(hits.map((hit) => hit.chunkIndex)).toEqual([0, 1]);
    expect(warnings).toEqual([{ code: 'rerank_failed', detail: expect.not.stringContaining('secret') }]);
  });
});

describe('a query rewriter', () => {
  test('phrases what is searched for, with what was said before', async () => {
    const history = [{ question: 'Which animal?', answer: 'The okapi.' }];
    const queryRewriter = {
      rewrite: async (asked: string, options?: { history?: readonly { answer: string | null }[] }) =>
        `${asked} ${options?.history?.[0]?.answer}`,
    };
    const { hits, plan } = await run({ query: 'it', strategy: 'text', history }, { queryRewriter });
    expect(plan.rewrittenQuery).toBe('it The okapi.');
    expect(hits.map((hit) => hit.title)).toEqual(['words']);
  });

  test('that fails is done without; a cancelled search ends', async () => {
    const queryRewriter = { rewrite: () => Promise.reject(new Error('no')) };
    const { hits, warnings, plan } = await run({ strategy: 'text' }, { queryRewriter });
    expect([hits.length, warnings[0]!.code, plan.rewrittenQuery]).toEqual([1, 'rewrite_failed', null]);
    const signal = AbortSignal.abort(new Error('cancelled'));
    await expect(run({ signal }, { queryRewriter })).rejects.toThrow('cancelled');
  });
});
