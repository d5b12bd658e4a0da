import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { findCandidates } from '../../entities/search/search-repository.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { search } from '../../retrieval/search.ts';
import type { SearchHit } from '../../retrieval/search-outcome.ts';
import type { SearchRequest } from '../../retrieval/search-request.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { Library } from './library.ts';

const clone = testDatabase();
let database: Database;
let library: Library;
let other: Library;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: clone.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  library = await new Library(database).create();
  other = await new Library(database).create();
});
afterAll(() => database.close());

/** The vector that the query's text stands for; the model is a table, everything behind it is real. */
const vectors: Record<string, number[]> = { north: [1, 0, 0], east: [0, 1, 0], up: [0, 0, 1] };

async function ask(text: string, request: Partial<SearchRequest> = {}): Promise<SearchHit[]> {
  const embeddingModel = {
    embed: async (texts: readonly string[]) => ({
      vectors: texts.map((each) => Float32Array.from(vectors[each] ?? [1, 1, 1])),
      usage: { promptTokens: null },
    }),
  };
  const outcome = await search(
    { database, embeddingModel, textAnalyzer },
    {
      workspaceId: library.workspaceId,
      userId: null,
      modelId: library.modelId,
      query: text,
      limit: 10,
      ...request,
    },
  );
  return outcome.hits;
}

const titles = (hits: SearchHit[]) => hits.map((hit) => hit.title);

describe('who sees what', () => {
  const only = (title: string) => [{ content: `zebra ${title}`, vector: [1, 0, 0] }];
  beforeAll(async () => {
    await library.add('global', only('global'));
    await library.add('of ada', only('ada'), { userId: library.ada });
    await library.add('of bob', only('bob'), { userId: library.bob });
    await library.add('of ada, for all', only('shared'), { userId: library.ada, isGlobal: true });
    await library.add('of nobody', only('nobody'), { isGlobal: false });
    await library.add('deleted', only('deleted'), { deleted: true });
    await library.add('staging', only('staging'), { active: null });
    await library.add('superseded', only('superseded'), { generation: 1, active: 2 });
    await library.add('newer than served', only('newer'), { generation: 2, active: 1 });
    await library.add('in a source', only('source'), { sourceId: library.letters });
    await other.add('foreign', only('foreign'));
  });

  for (const strategy of ['hybrid', 'vector', 'text'] as const) {
    test(`${strategy}: global documents and the user's own, active generations only`, async () => {
      const global = ['global', 'in a source', 'of ada, for all'];
      expect(titles(await ask('zebra', { strategy })).toSorted()).toEqual(global);
      expect(titles(await ask('zebra', { strategy, userId: library.ada })).toSorted()).toEqual(
        [...global, 'of ada'].toSorted(),
      );
      expect(titles(await ask('zebra', { strategy, userId: library.bob })).toSorted()).toEqual(
        [...global, 'of bob'].toSorted(),
      );
    });

    test(`${strategy}: a source's filter lets its documents through alone`, async () => {
      expect(titles(await ask('zebra', { strategy, sourceIds: [library.letters] }))).toEqual(['in a source']);
      expect(await ask('zebra', { strategy, sourceIds: [library.manuals] })).toEqual([]);
    });
  }

  test('R29 no workspace is refused, and a foreign one where the connection carries its own', async () => {
    const nothing = {
      userId: null,
      sourceIds: null,
      filter: null,
      modelId: null,
      embedding: null,
      terms: { keys: [], weights: [] },
      strategy: 'text',
      metric: 'cosine',
      candidates: 50,
      efSearch: 100,
    } as const;
    const none = database.autocommit((em) =>
      findCandidates(em, { ...nothing, workspaceId: null as unknown as string }),
    );
    await expect(none).rejects.toMatchObject({ code: '42501' });
    const foreign = database.inWorkspace(library.workspaceId, (em) =>
      findCandidates(em, { ...nothing, workspaceId: other.workspaceId }),
    );
    await expect(foreign).rejects.toMatchObject({ code: '42501' });
  });

  test('R29 a foreign model, source or user finds nothing or is unknown', async () => {
    await expect(ask('zebra', { modelId: other.modelId })).rejects.toMatchObject({ code: 'unknown_model' });
    expect(await ask('zebra', { sourceIds: [other.letters] })).toEqual([]);
    expect(titles(await ask('zebra', { userId: other.ada }))).not.toContain('foreign');
  });

  test('the application may call the whole, not its parts, which do not check the workspace', async () => {
    const { rows } = await database.asOperator(async (em) => ({
      rows: await query<{ name: string; app: boolean; everyone: boolean }>(
        em,
        `select proname as name, has_function_privilege('perdure_app', oid, 'execute') as app,
                has_function_privilege('public', oid, 'execute') as everyone
         from pg_proc where proname in ('hybrid_search', 'read_search_hits', 'find_search_setup', 'compile_search_filter',
                          'compile_search_condition') or proname like 'search\\_%' order by 1`,
      ),
    }));
    expect(rows.length).toBeGreaterThan(5);
    expect(rows.filter((row) => row.app).map((row) => row.name)).toEqual([
      'find_search_setup',
      'hybrid_search',
      'read_search_hits',
    ]);
    expect(rows.filter((row) => row.everyone)).toEqual([]);
  });
});

describe('what is found', () => {
  beforeAll(async () => {
    await library.add(
      'compass',
      [
        { content: 'The needle points to the pole.', vector: [1, 0, 0] },
        { content: "It's a needle, a 'needle' and C:\\needle & thread | more.", vector: [0.8, 0.6, 0] },
        { content: 'Nothing of the kind here.', vector: [0, 1, 0] },
      ],
      { sourceId: library.manuals },
    );
  });

  test('a hit carries its text, offsets, title and address', async () => {
    const [hit] = await ask('north', { strategy: 'vector', sourceIds: [library.manuals] });
    expect(hit).toMatchObject({
      title: 'compass',
      sourceUrl: 'https://example.com/compass',
      generation: 1,
      chunkIndex: 0,
      content: 'The needle points to the pole.',
      startChar: 1,
      endChar: 31,
      metadata: {},
      text: null,
      context: null,
      documentMetadata: {},
    });
    expect(hit!.vector!.rank).toBe(1);
    expect(hit!.vector!.score).toBeCloseTo(1, 6);
  });

  test('cosine, L2 and inner product order by their own distance', async () => {
    const far = await library.add('far', [{ content: 'far', vector: [30, 0, 0] }], { sourceId: library.letters });
    const near = await library.add('near', [{ content: 'near', vector: [0.7, 0.5, 0] }], { sourceId: library.letters });
    const ids = async (metric: 'cosine' | 'l2' | 'inner_product') =>
      (await ask('north', { metric, strategy: 'vector', sourceIds: [library.letters] }))
        .map((hit) => hit.documentId)
        .filter((id) => id === far || id === near);
    expect(await ids('cosine')).toEqual([far, near]);
    expect(await ids('l2')).toEqual([near, far]);
    expect(await ids('inner_product')).toEqual([far, near]);
  });

  test('reciprocal rank fusion is the sum of weight / (k + rank) over both lists', async () => {
    const fusion = { method: 'rrf', weights: { vector: 1, text: 1 }, k: 60 } as const;
    const asked = { userId: library.ada, limit: 100, fusion };
    const [hybrid, dense, text] = await Promise.all(
      (['hybrid', 'vector', 'text'] as const).map((strategy) => ask('needle zebra', { ...asked, strategy })),
    );
    const key = (hit: SearchHit) => `${hit.documentId}/${hit.chunkIndex}`;
    const expected = new Map<string, number>();
    for (const list of [dense!, text!]) {
      list.forEach((hit, index) => expected.set(key(hit), (expected.get(key(hit)) ?? 0) + 1 / (61 + index)));
    }
    expect(hybrid!.length).toBe(expected.size);
    for (const hit of hybrid!) expect(hit.score).toBeCloseTo(expected.get(key(hit))!, 12);
    const scores = hybrid!.map((hit) => hit.score);
    expect(scores).toEqual(scores.toSorted((a, b) => b - a));
    expect(await ask('needle zebra', asked)).toEqual(hybrid);
  });

  test('words of the query are words, whatever signs are around them', async () => {
    for (const text of ["needle's", "'needle", 'needle & !thread', '\\needle\\', 'needle:* | (', 'needle\0thread']) {
      const hits = await ask(text, { strategy: 'text', sourceIds: [library.manuals] });
      expect(hits.length).toBe(2);
    }
    expect(await ask('the of and', { strategy: 'text' })).toEqual([]);
  });

  test('the rarer word weighs more', async () => {
    const hits = await ask('needle pole', { strategy: 'text', sourceIds: [library.manuals] });
    expect(hits.map((hit) => hit.chunkIndex)).toEqual([0, 1]);
  });

  test('models of 384, 1,536 and 3,072 dimensions stand side by side', async () => {
    for (const dimensions of [384, 1536, 3072]) {
      const modelId = v7();
      await library.addModel(modelId, dimensions);
      const unit = (at: number) => Array.from({ length: dimensions }, (_, index) => (index === at ? 1 : 0));
      await library.add(`of ${dimensions}`, [
        { content: 'last', vector: unit(dimensions - 1), modelId },
        { content: 'first', vector: unit(0), modelId },
      ]);
      const embeddingModel = {
        embed: async () => ({ vectors: [Float32Array.from(unit(0))], usage: { promptTokens: null } }),
      };
      for (const metric of ['cosine', 'l2', 'inner_product'] as const) {
        const { hits } = await search(
          { database, embeddingModel, textAnalyzer },
          { workspaceId: library.workspaceId, userId: null, modelId, query: 'x', limit: 5, strategy: 'vector', metric },
        );
        expect(hits.map((hit) => hit.content)).toEqual(['first', 'last']);
      }
    }
  });
});

describe('what is refused', () => {
  test('an empty query, a limit out of bounds, an unknown model, wrong dimensions', async () => {
    await expect(ask('  ')).rejects.toMatchObject({ code: 'bad_request' });
    await expect(ask('zebra', { limit: 0 })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(ask('zebra', { limit: 101 })).rejects.toMatchObject({ code: 'bad_request' });
    await expect(ask('zebra', { modelId: v7() })).rejects.toMatchObject({ code: 'unknown_model' });
    vectors['too short'] = [1, 0];
    await expect(ask('too short')).rejects.toMatchObject({
      code: 'bad_request',
      detail: expect.stringContaining('2 dimensions, the embedding model has 3'),
    });
  });

  test('a search without an embedding model is full text or nothing', async () => {
    const request = { workspaceId: library.workspaceId, userId: null, modelId: null, query: 'zebra', limit: 3 };
    await expect(search({ database, embeddingModel: null, textAnalyzer }, request)).rejects.toMatchObject({
      code: 'unknown_model',
    });
    const { hits } = await search({ database, embeddingModel: null, textAnalyzer }, { ...request, strategy: 'text' });
    expect(hits.length).toBe(3);
  });

  test('a connection that is cut is unavailable at the worst, and the next search works', async () => {
    for (let round = 0; round < 5; round++) {
      await ask('zebra');
      await database.asOperator((em) =>
        query(
          em,
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
        ),
      );
      const outcome = await ask('zebra').then(
        () => 'found',
        (error: { code?: string }) => error.code,
      );
      expect(['found', 'unavailable']).toContain(outcome);
      expect((await ask('zebra')).length).toBeGreaterThan(0);
    }
  });
});
