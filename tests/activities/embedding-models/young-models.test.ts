import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { v7 } from 'uuid';
import { settleVectorIndexes } from '../../../activities/embedding-models/build-vector-indexes.ts';
import { createSweepGrownModels } from '../../../activities/embedding-models/sweep-models.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { Library } from '../../retrieval/library.ts';
import { testDatabase } from '../../support/servers/test-database.ts';

const { url } = testDatabase();
const dimensions = 1500;
// 2 million numbers, above which an index over such long vectors is worth its while.
const enough = 1334;
const signal = new AbortController().signal;
let database: Database;
let library: Library;
let documentId: string;
const modelId = v7();

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 10 }, 'young-models-test');
  library = await new Library(database).create();
  const parts = Array.from({ length: enough }, (_, index) => ({ content: `chunk ${index}`, vector: [1, index, 2] }));
  documentId = await library.add('numbers', parts);
  await library.addModel(modelId, dimensions);
}, 60_000);
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
  const { built } = await settleVectorIndexes(database, modelId, signal);
  expect(built).toEqual([`chunk_embeddings_${modelId.replaceAll('-', '')}_cos_h16_64`]);
  expect(await sweep()).toEqual([]);
  const { indexes, plan } = await search(7);
  expect(plan).toMatchObject({ plan: 'index', index: 'hnsw' });
  expect(indexes).toContain(7);
}, 60_000);
