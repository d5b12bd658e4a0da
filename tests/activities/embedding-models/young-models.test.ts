import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { settleVectorIndexes } from '../../../activities/embedding-models/build-vector-indexes.ts';
import { createSweepGrownModels } from '../../../activities/embedding-models/sweep-models.ts';
import { chainOf } from '../../../domain/vector-indexes/vector-segments.ts';
import { readVectorIndexes } from '../../../entities/agents/vector-index-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { Library } from '../../retrieval/library.ts';
import { testDatabase } from '../../support/servers/test-database.ts';

const { url } = testDatabase();
const dimensions = 1500;
// 2 million numbers, above which an index over such long vectors is worth its while, and half as many on top of it.
const enough = 1334;
// More than twice as many as later ones, which therefore get a segment beside it.
const first = enough + 16;
const later = first + 667;
const latest = later + 700;
const signal = new AbortController().signal;
let database: Database;
let library: Library;
let documentId: string;
const modelId = v7();

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 10 }, 'young-models-test');
  library = await new Library(database).create();
  const parts = Array.from({ length: latest }, (_, index) => ({ content: `chunk ${index}`, vector: [1, index, 2] }));
  documentId = await library.add('numbers', parts);
  await library.addModel(modelId, dimensions);
}, 120_000);
afterAll(() => database.close());

/** Vectors on a circle: each is nearest to itself. */
const vectorOf = (index: string) => `array_cat(array[cos(${index} / 600.0), sin(${index} / 600.0)]::real[],
  array_fill(0::real, array[${dimensions - 2}]))::vector`;

const addVectors = (from: number, to: number) =>
  database.asOperator((em) =>
    query(
      em,
      `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
       select $1, $2, $3, 1, i, ${vectorOf('i')} from generate_series($4::int, $5::int - 1) i`,
      [modelId, library.workspaceId, documentId, from, to],
    ),
  );

async function search(index: number) {
  const [found] = await database.asOwner((em) =>
    query<{ indexes: number[]; plan: Record<string, unknown> }>(
      em,
      `select indexes, plan from search_dense($1, null, null, null, $2, ${vectorOf(String(index))}, 'cosine', 5, 100)`,
      [library.workspaceId, modelId],
    ),
  );
  return found!;
}

/** The same by comparing with every vector. */
async function nearestByHand(index: number): Promise<number[]> {
  const rows = await database.asOperator((em) =>
    query<{ index: number }>(
      em,
      `select chunk_index as index from chunk_embeddings where model_id = $1
       order by (embedding <=> ${vectorOf(String(index))}) + 0, chunk_index limit 5`,
      [modelId],
    ),
  );
  return rows.map((row) => row.index);
}

async function sweep(): Promise<string[]> {
  const started: string[] = [];
  await createSweepGrownModels({
    database,
    startMove: async () => {},
    startIndexing: async (input) => void started.push(input.modelId),
  })();
  return started;
}

test('R22: a model gets its index once its rows are many, not while rows pour in, and search finds everything at each moment', async () => {
  await addVectors(0, enough - 1);
  expect(await sweep()).toEqual([]);
  expect(await settleVectorIndexes(database, modelId, signal)).toMatchObject({ built: [], waitsForRows: enough });
  expect(await search(7)).toMatchObject({ indexes: expect.arrayContaining([5, 6, 7, 8, 9]), plan: { plan: 'exact' } });

  await addVectors(enough - 1, enough);
  await database.asOperator((em) =>
    query(
      em,
      `insert into document_generations (workspace_id, document_id, generation, workflow_id, mime_type, byte_size,
                                         content_hash, chunk_size, chunk_overlap)
       values ($1, $2, 2, 'w', 'text/plain', 3000000, '', 240, 32)`,
      [library.workspaceId, documentId],
    ),
  );
  expect(await sweep()).toEqual([]);
  expect((await search(enough - 1)).indexes[0]).toBe(enough - 1);

  await database.asOperator((em) =>
    query(em, `update document_generations set state = 'abandoned' where document_id = $1 and generation = 2`, [
      documentId,
    ]),
  );
  expect(await sweep()).toEqual([modelId]);
  await addVectors(enough, first);
  const { built } = await settleVectorIndexes(database, modelId, signal);
  expect(built).toHaveLength(1);
  expect(await sweep()).toEqual([]);
  const { indexes, plan } = await search(7);
  expect(plan).toMatchObject({ plan: 'index', index: 'hnsw', segments: 1, young_chunks: 0 });
  expect(indexes).toContain(7);
}, 120_000);

/** The indexes that serve, from the oldest rows to the newest. */
async function segments(): Promise<{ name: string; rows: number; rowsAfter: number }[]> {
  const state = await database.asOperator((em) => readVectorIndexes(em, modelId));
  return chainOf(state!.built).map(({ name, rows, rowsAfter }) => ({ name, rows, rowsAfter }));
}

test('R22: what comes later goes into no index that is there, is found at once, and gets a segment once it is many', async () => {
  const [oldest] = await segments();
  const bytes = async () =>
    (await database.asOperator((em) => readVectorIndexes(em, modelId)))!.built.map((index) => index.bytes);
  const before = await bytes();
  await addVectors(first, later - 1);
  expect(await bytes()).toEqual(before);
  expect(await sweep()).toEqual([]);
  expect(await search(later - 2)).toMatchObject({
    indexes: expect.arrayContaining([later - 2, later - 3]),
    plan: { plan: 'index', segments: 1, young_chunks: later - 1 - first },
  });
  // On both sides of the bound, and the nearest of all in their order.
  expect((await search(first)).indexes).toEqual(await nearestByHand(first));

  await addVectors(later - 1, later);
  expect(await sweep()).toEqual([modelId]);
  expect(await settleVectorIndexes(database, modelId, signal)).toMatchObject({
    built: [expect.any(String)],
    dropped: [],
  });
  expect(await segments()).toMatchObject([
    { name: oldest!.name, rows: first },
    { rows: later - first, rowsAfter: 0 },
  ]);
  for (const index of [7, first, later - 1]) {
    const { indexes, plan } = await search(index);
    expect(plan).toMatchObject({ plan: 'index', segments: 2, young_chunks: 0 });
    expect(indexes).toEqual(await nearestByHand(index));
  }
}, 120_000);

test('R22: a segment takes in older ones that are not much larger, and search finds everything while both are there', async () => {
  await addVectors(later, latest);
  const { built, dropped } = await settleVectorIndexes(database, modelId, signal);
  expect(built).toHaveLength(1);
  expect(dropped).toHaveLength(2);
  expect(await segments()).toEqual([{ name: built[0], rows: latest, rowsAfter: 0 }]);

  // As a worker leaves it that dies before it drops what it has replaced.
  const partition = `chunk_embeddings_${modelId.replaceAll('-', '')}`;
  await database.autocommitAsOwner((em) =>
    query(
      em,
      `create index "${partition}_cos_left" on "${partition}" using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops)
       with (m = 16, ef_construction = 64) where ordinal < '200'::bigint`,
    ),
  );
  expect(await search(30)).toMatchObject({ indexes: await nearestByHand(30), plan: { segments: 1, young_chunks: 0 } });
  expect(await settleVectorIndexes(database, modelId, signal)).toMatchObject({
    built: [],
    dropped: [`${partition}_cos_left`],
  });
}, 120_000);
