import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { loadCorpus } from '../../bench/data/load-corpus.ts';
import type { Corpus } from '../../bench/data/load-corpus.ts';
import {
  buildVectorIndex,
  dropVectorIndex,
  readVectorIndexes,
  setVectorIndex,
} from '../../entities/agents/vector-index-repository.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Database } from '../../platform/database.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { search } from '../../retrieval/search.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const clone = testDatabase();
const dimensions = 64;
let database: Database;
let corpus: Corpus;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: clone.url, PERDURE_DATABASE_POOL: 8 }, 'test');
  const owner = new pg.Client({ connectionString: clone.url, options: '-c role=perdure_owner' });
  await owner.connect();
  try {
    corpus = await loadCorpus(owner, {
      seed: 21,
      documents: 1200,
      chunksPerDocument: 10,
      wordsPerChunk: 12,
      shape: { dimensions, topics: 50, topicCosine: 0.35, documentCosine: 0.6 },
      queries: 40,
    });
  } finally {
    await owner.end();
  }
}, 120_000);
afterAll(() => database.close());

const key = (row: { documentId: string; chunkIndex: number }) => `${row.documentId}/${row.chunkIndex}`;

async function found(
  vector: Float32Array,
  knowledgeSourceId: string | null,
  limit = 10,
  filter: Record<string, unknown> | null = null,
): Promise<string[]> {
  const embeddingModel = { embed: async () => ({ vectors: [vector], usage: { promptTokens: null } }) };
  const { workspaceId, modelId } = corpus;
  const sourceIds = knowledgeSourceId === null ? null : [knowledgeSourceId];
  const request = { workspaceId, userId: null, modelId, query: 'x', limit, sourceIds, filter };
  return (await search({ database, embeddingModel, textAnalyzer }, { ...request, strategy: 'vector' })).hits.map(key);
}

/** The same question by comparing with every vector, without an index. */
async function nearest(
  vector: Float32Array,
  knowledgeSourceId: string | null,
  limit = 10,
  parts: number | null = null,
): Promise<string[]> {
  const rows = await database.asOperator((em) =>
    query<{ documentId: string; chunkIndex: number }>(
      em,
      `select e.document_id as "documentId", e.chunk_index as "chunkIndex"
       from chunk_embeddings e join documents d on d.id = e.document_id
       where e.model_id = $1 and d.is_global and ($3::uuid is null or d.knowledge_source_id = $3)
         and ($5::integer is null or (d.metadata ->> 'part')::integer < $5)
       order by (e.embedding <=> $2::vector) + 0 limit $4`,
      [corpus.modelId, `[${vector.join(',')}]`, knowledgeSourceId, limit, parts],
    ),
  );
  return rows.map(key);
}

async function recall(sourceId: string | null, parts: number | null = null, queries = corpus.queries): Promise<number> {
  let hits = 0;
  let wanted = 0;
  for (const { vector } of queries) {
    const truth = await nearest(vector, sourceId, 10, parts);
    const answer = await found(vector, sourceId, 10, parts === null ? null : { 'metadata.part': { lt: parts } });
    // R20 is about the count first: as many rows as match, up to the limit.
    expect(answer.length).toBe(truth.length);
    expect(truth.length).toBeGreaterThan(0);
    hits += truth.filter((each) => answer.includes(each)).length;
    wanted += truth.length;
  }
  return hits / wanted;
}

test('R20 min(k, matches) rows and recall@10 of 0.95 at every selectivity from 0.1 to 100 %', async () => {
  const sources = [...corpus.sources.map(({ id }) => id), corpus.topicalSource, null];
  const recalls = [];
  for (const source of sources) recalls.push(await recall(source));
  for (const each of recalls) expect(each).toBeGreaterThanOrEqual(0.95);
}, 120_000);

test('R20 the same for filters over metadata of 0.1, 1, 10 and 50 %, and the plan says which way was taken', async () => {
  for (const parts of [1, 10, 100, 500]) expect(await recall(null, parts)).toBeGreaterThanOrEqual(0.95);
  const embeddingModel = {
    embed: async () => ({ vectors: [corpus.queries[0]!.vector], usage: { promptTokens: null } }),
  };
  const planOf = async (parts: number | null) => {
    const { workspaceId, modelId } = corpus;
    const filter = parts === null ? null : { 'metadata.part': { lt: parts } };
    const request = { workspaceId, userId: null, modelId, query: 'x', limit: 10, strategy: 'vector' as const, filter };
    return (await search({ database, embeddingModel, textAnalyzer }, request)).plan.vector!;
  };
  expect(await planOf(10)).toMatchObject({ plan: 'exact', index: null, eligible_chunks: expect.any(Number) });
  expect((await planOf(10)).reason).toContain('Few chunks are eligible');
  expect(await planOf(null)).toMatchObject({ plan: 'index', index: 'hnsw', ef_search: 200 });
  expect((await planOf(null)).reason).toContain('more than the');
}, 120_000);

test('R20 fewer matches than asked for: all of them', async () => {
  const { id } = corpus.sources.find(({ share }) => share === 0.005)!;
  const { vector } = corpus.queries[0]!;
  const all = await nearest(vector, id, 100);
  expect(all.length).toBeGreaterThan(0);
  expect(all.length).toBeLessThan(100);
  expect(await found(vector, id, 100)).toEqual(all);
});

/** The words of the corpus with how many chunks hold them, the commonest first. */
async function wordCounts(): Promise<{ word: string; chunks: number }[]> {
  const rows = await database.asOperator((em) => query<{ content: string }>(em, `select content from document_chunks`));
  const counts = new Map<string, number>();
  for (const { content } of rows)
    for (const word of new Set(content.split(' '))) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, chunks]) => ({ word, chunks })).sort((a, b) => b.chunks - a.chunks);
}

test('R20 full text: the rare word first, then as many chunks of the common one as are asked for', async () => {
  const words = await wordCounts();
  const common = words[0]!;
  const rare = words.find(({ chunks }) => chunks === 2)!;
  expect(common.chunks).toBeGreaterThan(1000);
  const { workspaceId } = corpus;
  const request = { workspaceId, userId: null, modelId: null, limit: 10, strategy: 'text' as const };
  const { hits } = await search(
    { database, embeddingModel: null, textAnalyzer },
    { ...request, query: `${common.word} ${rare.word}` },
  );
  expect(hits.length).toBe(10);
  expect(hits.map((hit) => hit.content.includes(rare.word))).toEqual([...Array(2).fill(true), ...Array(8).fill(false)]);
  for (const hit of hits.slice(2)) expect(hit.content).toContain(common.word);
});

test('R20 the same through an IVFFlat index, whose lists follow the rows', async () => {
  const signal = new AbortController().signal;
  const settle = async (settings: Record<string, unknown>) => {
    await database.asOperator((em) => setVectorIndex(em, corpus.modelId, settings));
    return settleVectorIndexes(database, corpus.modelId, signal);
  };
  expect(await settle({ kind: 'ivfflat' })).toEqual({
    built: [`${corpus.partition}_cos_i16`],
    dropped: [`${corpus.partition}_cos_s0`],
    waitsForRows: null,
  });
  const { workspaceId, modelId, queries } = corpus;
  const embeddingModel = { embed: async () => ({ vectors: [queries[0]!.vector], usage: { promptTokens: null } }) };
  const request = { workspaceId, userId: null, modelId, query: 'x', limit: 10, strategy: 'vector' as const };
  const { plan } = await search({ database, embeddingModel, textAnalyzer }, request);
  // ef_search is 200: the root of 16 lists × 200 / 40, rounded up.
  expect(plan.vector).toMatchObject({ plan: 'index', index: 'ivfflat', ef_search: null, probes: 9 });
  expect(await recall(null)).toBeGreaterThanOrEqual(0.95);
  for (const parts of [10, 500]) expect(await recall(null, parts)).toBeGreaterThanOrEqual(0.95);
  expect((await settle({ min_rows: 0 })).dropped).toEqual([`${corpus.partition}_cos_i16`]);
}, 120_000);

/** Cuts the index into three segments, oldest first, and leaves the newest 1,000 rows out. */
async function cutIndex(): Promise<void> {
  const state = (await database.asOperator((em) => readVectorIndexes(em, corpus.modelId)))!;
  const bounds = [null, 6000, 3000, 1000].map((behind) => behind && state.nextOrdinal - behind);
  for (const [place, from] of bounds.slice(0, -1).entries()) {
    const to = bounds[place + 1]!;
    const index = { name: `${corpus.partition}_cos_cut${place}`, kind: 'hnsw' as const, metric: 'cosine' as const };
    const parameters = { m: 16, ef_construction: 64 };
    await database.autocommitAsOwner((em) => buildVectorIndex(em, state, { ...index, parameters, from, to }));
  }
  for (const { name } of state.built) await database.autocommitAsOwner((em) => dropVectorIndex(em, name));
}

test('R20 the same through an index in segments beside rows that are in none', async () => {
  await cutIndex();
  const few = corpus.queries.slice(0, 15);
  const [vector] = corpus.queries.map((each) => each.vector);
  const embeddingModel = { embed: async () => ({ vectors: [vector!], usage: { promptTokens: null } }) };
  const { workspaceId, modelId } = corpus;
  const request = { workspaceId, userId: null, modelId, query: 'x', limit: 10, strategy: 'vector' as const };
  const planOf = async (filter: Record<string, unknown> | null) =>
    (await search({ database, embeddingModel, textAnalyzer }, { ...request, filter })).plan.vector!;
  expect(await planOf(null)).toMatchObject({ plan: 'index', segments: 3, young_chunks: 1000, ef_search: 200 });
  for (const parts of [null, 500]) expect(await recall(null, parts, few)).toBeGreaterThanOrEqual(0.95);

  // Nobody but the older half has what the filter asks for: a walk of the others finds nothing, and says so.
  await database.asOperator((em) =>
    query(
      em,
      `update documents d set metadata = d.metadata || '{"part": 5000}' where exists (
         select from chunk_embeddings e where e.model_id = $1 and e.document_id = d.id and e.ordinal > (
           select max(ordinal) - 6000 from chunk_embeddings where model_id = $1))`,
      [modelId],
    ),
  );
  const older = await planOf({ 'metadata.part': { lt: 1000 } });
  expect(older).toMatchObject({ plan: 'index', segments: 1 });
  expect(older.reason).toContain('In 2 of 3 segments');
  expect(await recall(null, 1000, few)).toBeGreaterThanOrEqual(0.95);
}, 120_000);

test('R20 a filter that hides all that is near: the scan of the index gives up, and nothing is missing', async () => {
  const { vector } = corpus.queries[1]!;
  const byDistance = (await nearest(vector, null, 12_000)).map((each) => each.split('/')[0]!);
  const near = [...new Set(byDistance)].slice(0, 700);
  await database.asOperator((em) =>
    query(em, `update documents set is_global = false where id = any ($1::uuid[])`, [near]),
  );
  const [approximate] = await database.asOwner((em) =>
    query<{ rows: number }>(
      em,
      `select count(*)::int as rows from search_dense_approximate($1, 'vector(64)', '<=>', $2, null, null, null, $3, 50, 100, null, 2449)`,
      [corpus.partition, corpus.workspaceId, `[${vector.join(',')}]`],
    ),
  );
  expect(approximate!.rows).toBeLessThan(50);
  const truth = await nearest(vector, null);
  expect(truth.length).toBe(10);
  expect(await found(vector, null)).toEqual(truth);
});
