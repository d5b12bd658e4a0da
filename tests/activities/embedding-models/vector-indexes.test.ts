import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { v7 } from 'uuid';
import { settleVectorIndexes } from '../../../activities/embedding-models/build-vector-indexes.ts';
import {
  readVectorIndexes,
  segmentCondition,
  setVectorIndex,
  type VectorIndexRow,
} from '../../../entities/agents/vector-index-repository.ts';
import { query } from '../../../entities/sql.ts';
import { createDatabase, type Database } from '../../../platform/database.ts';
import { Library } from '../../retrieval/library.ts';
import { testDatabase } from '../../support/servers/test-database.ts';
import { until } from '../../support/until.ts';

const { url } = testDatabase();
const chunks = 300;
const metrics = ['cosine', 'l2', 'inner_product'] as const;
const operators = { cosine: '<=>', l2: '<->', inner_product: '<#>' };
const signal = new AbortController().signal;
let database: Database;
let library: Library;
let documentId: string;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 10 }, 'vector-indexes-test');
  library = await new Library(database).create();
  const parts = Array.from({ length: chunks }, (_, index) => ({ content: `chunk ${index}`, vector: [1, index, 2] }));
  documentId = await library.add('numbers', parts);
}, 120_000);
afterAll(() => database.close());

/** A model with a vector for each chunk; they are far from each other. */
async function addModel(dimensions: number): Promise<string> {
  const id = v7();
  await library.addModel(id, dimensions);
  await database.asOperator((em) =>
    query(
      em,
      `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
       select $1, $2, $3, 1, i, (select array_agg(sin(i * 37.7 + d * (1 + i * 0.0137)) order by d) from generate_series(1, $4) d)::vector
       from generate_series(0, $5::int - 1) i`,
      [id, library.workspaceId, documentId, dimensions, chunks],
    ),
  );
  return id;
}

async function settle(modelId: string, settings: Record<string, unknown>) {
  await database.asOperator((em) => setVectorIndex(em, modelId, settings));
  const result = await settleVectorIndexes(database, modelId, signal);
  const state = (await database.asOperator((em) => readVectorIndexes(em, modelId)))!;
  return { result, state };
}

/** The plan that search reports, the scans of the index in its transaction, and PostgreSQL's plan of its statement. */
async function searchWith(modelId: string, dimensions: number, index: VectorIndexRow) {
  const { metric, name } = index;
  return database.asOwner(async (em) => {
    const vector = `(select embedding from chunk_embeddings where model_id = '${modelId}' and chunk_index = 7)`;
    const [found] = await query<{ indexes: number[]; plan: Record<string, unknown> }>(
      em,
      `select indexes, plan from search_dense($1, null, null, null, $2, ${vector}, $3, 5, 100)`,
      [library.workspaceId, modelId, metric],
    );
    const [scans] = await query<{ n: number }>(em, `select pg_stat_get_xact_numscans($1::regclass)::int as n`, [name]);
    await query(em, 'set local enable_seqscan = off');
    await query(em, 'set local enable_sort = off');
    const type = `${dimensions <= 2000 ? 'vector' : 'halfvec'}(${dimensions})`;
    const lines = await query<Record<'QUERY PLAN', string>>(
      em,
      `explain select chunk_index from chunk_embeddings where model_id = '${modelId}' and ${segmentCondition(index)}
       order by embedding::${type} ${operators[metric]} ${vector}::${type} limit 5`,
    );
    return { ...found!, scans: scans!.n, explained: lines.map((line) => line['QUERY PLAN']).join('\n') };
  });
}

describe.each([384, 1536, 3072])('R22 a model of %d dimensions', (dimensions) => {
  test('is searched through HNSW, then through IVFFlat, by each metric', async () => {
    const modelId = await addModel(dimensions);
    for (const settings of [
      { kind: 'hnsw', metrics, m: 8, ef_construction: 32, min_rows: 0 },
      { kind: 'ivfflat', metrics, lists: 6 },
    ]) {
      const { result, state } = await settle(modelId, settings);
      expect(state.built.map(({ kind, metric, isValid }) => ({ kind, metric, isValid }))).toEqual(
        metrics.map((metric) => ({ kind: settings.kind, metric, isValid: true })),
      );
      expect(result.built).toHaveLength(3);
      for (const index of state.built) {
        const { name, metric } = index;
        const { plan, indexes, scans, explained } = await searchWith(modelId, dimensions, index);
        expect(plan).toMatchObject({ plan: 'index', index: settings.kind, found: 5 });
        expect(indexes).toHaveLength(5);
        if (metric !== 'inner_product') expect(indexes[0]).toBe(7);
        expect(scans).toBe(1);
        expect(explained).toContain(`Index Scan using ${name}`);
      }
    }
  }, 120_000);
});

test('an IVFFlat index waits until there are rows for it; until then all are compared, and nothing is missed', async () => {
  const modelId = v7();
  await library.addModel(modelId, 8);
  const { result, state } = await settle(modelId, { kind: 'ivfflat' });
  expect(result).toEqual({ built: [], dropped: [], waitsForRows: 2000 });
  expect(state.built).toEqual([]);
});

test('what a build that was killed left unfinished is dropped, and it is built again', async () => {
  const modelId = await addModel(384);
  const { partition } = (await database.asOperator((em) => readVectorIndexes(em, modelId)))!;
  const name = `${partition}_cos_h24_64`;
  await database.asOperator((em) => setVectorIndex(em, modelId, { m: 24, min_rows: 0 }));
  const builder = new pg.Client({ connectionString: url });
  const killer = new pg.Client({ connectionString: url });
  await Promise.all([builder.connect(), killer.connect()]);
  try {
    // A build waits for writers that were there before it. Ended meanwhile, it leaves an index that is not valid.
    await database.asOperator(async (em) => {
      await query(em, `update chunk_embeddings set created_at = now() where model_id = $1 and chunk_index = 0`, [
        modelId,
      ]);
      await builder.query('set role perdure_owner');
      const { rows } = await builder.query<{ pid: number }>('select pg_backend_pid() as pid');
      const build = builder
        .query(
          `create index concurrently "${name}" on "${partition}" using hnsw ((embedding::vector(384)) vector_cosine_ops)`,
        )
        .then(
          () => 'built',
          (error: Error) => error.message,
        );
      await until(async () => (await database.readAsOperator((reader) => readVectorIndexes(reader, modelId)))!.isBusy, {
        what: 'the build under way',
      });
      await killer.query('select pg_cancel_backend($1)', [rows[0]!.pid]);
      expect(await build).toContain('cancel');
    });
  } finally {
    await Promise.all([builder.end(), killer.end()]);
  }
  const broken = (await database.asOperator((em) => readVectorIndexes(em, modelId)))!;
  expect(broken.built.find((index) => index.name === name)?.isValid).toBe(false);
  const result = await settleVectorIndexes(database, modelId, signal);
  expect(result).toMatchObject({ dropped: [name], built: [expect.any(String)] });
  const after = (await database.asOperator((em) => readVectorIndexes(em, modelId)))!;
  expect(after).toMatchObject({
    isBusy: false,
    built: [{ name: result.built[0], isValid: true, parameters: { m: 24 } }],
  });
}, 120_000);
