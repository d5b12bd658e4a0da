import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { EntityManager } from '@mikro-orm/postgresql';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { readVectorIndexes, segmentCondition, setVectorIndex } from '../../entities/agents/vector-index-repository.ts';
import { Document, DocumentChunk, DocumentGeneration, Model } from '../../entities/index.ts';
import { query } from '../../entities/sql.ts';
import { uuidV7 } from '../../entities/uuid-v7.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { makeWorkspace } from '../support/data/make-workspace.ts';
import { testDatabase } from '../support/servers/test-database.ts';

const { url } = testDatabase();
const chunks = 60;
let database: Database;
let workspaceId: string;
const documentId = uuidV7();

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 12 }, 'embedding-models-test');
  ({ workspaceId } = await makeWorkspace(database));
  await database.inWorkspace(workspaceId, async (em) => {
    em.create(Document, { id: documentId, workspaceId, title: 'document', documentType: 'text', latestGeneration: 1 });
    await em.flush();
    em.create(DocumentGeneration, {
      workspaceId,
      documentId,
      generation: 1,
      workflowId: 'w',
      mimeType: 'text/plain',
      byteSize: 1,
      contentHash: Buffer.alloc(32),
      chunkSize: 200,
      chunkOverlap: 32,
    });
    await em.flush();
    for (let chunkIndex = 0; chunkIndex < chunks; chunkIndex += 1) {
      const content = `chunk ${chunkIndex}`;
      em.create(DocumentChunk, {
        workspaceId,
        documentId,
        generation: 1,
        chunkIndex,
        content,
        startChar: chunkIndex,
        endChar: chunkIndex + 1,
        tokenCount: 2,
      });
    }
  });
});

afterAll(() => database.close());

async function makeModel(dimensions: number): Promise<string> {
  const id = uuidV7();
  await database.inWorkspace(workspaceId, async (em) => {
    em.create(Model, {
      id,
      workspaceId,
      name: `embedding ${dimensions} ${id}`,
      kind: 'embedding',
      provider: 'test',
      modelId: 'test',
      dimensions,
    });
  });
  return id;
}

const register = (id: string, workspace = workspaceId) =>
  database.inWorkspace(workspace, async (em) => {
    const [row] = await query<{ partition: string }>(em, 'select register_embedding_model($1) as partition', [id]);
    return row!.partition;
  });

const insertVectors = (em: EntityManager, modelId: string, dimensions: number) =>
  query(
    em,
    `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
     select $1, $2, $3, 1, i, (select array_agg(sin(i * 37 + d) order by d) from generate_series(1, $4) d)::vector
     from generate_series(0, $5::int - 1) i`,
    [modelId, workspaceId, documentId, dimensions, chunks],
  );

describe.each([
  [384, 'vector'],
  [1536, 'vector'],
  [3072, 'halfvec'],
])('a model of %d dimensions', (dimensions, type) => {
  test(`has its partition, and an HNSW index on ${type} that a search uses once it is wanted`, async () => {
    const id = await makeModel(dimensions);
    const partition = await register(id);
    expect(partition).toBe(`chunk_embeddings_${id.replaceAll('-', '')}`);
    await database.inWorkspace(workspaceId, (em) => insertVectors(em, id, dimensions));
    await database.asOperator((em) => setVectorIndex(em, id, { min_rows: 0 }));
    const { built } = await settleVectorIndexes(database, id, new AbortController().signal);
    expect(built).toHaveLength(1);
    const [name] = built;
    const [segment] = (await database.asOperator((em) => readVectorIndexes(em, id)))!.built;
    const [index] = await database.asOperator((em) =>
      query<{ indexdef: string }>(em, 'select indexdef from pg_indexes where indexname = $1', [name]),
    );
    expect(index!.indexdef).toContain(
      `USING hnsw (((embedding)::${type}(${dimensions})) ${type}_cosine_ops) WITH (m='16', ef_construction='64')`,
    );
    // As the application searches: under row-level security, through the parent, and with the planner's own costs but for
    // sixty rows, which it would rather scan.
    const { plan, nearest } = await database.inWorkspace(workspaceId, async (em) => {
      await query(em, 'set local enable_seqscan = off');
      await query(em, 'set local enable_sort = off');
      const search = `
        select chunk_index from chunk_embeddings where model_id = '${id}' and ${segmentCondition(segment!)}
        order by embedding::${type}(${dimensions}) <=> (
          select embedding::${type}(${dimensions}) from chunk_embeddings where model_id = '${id}' and chunk_index = 7)
        limit 3`;
      const lines = await query<Record<'QUERY PLAN', string>>(em, `explain ${search}`);
      return { plan: lines.map((line) => line['QUERY PLAN']).join('\n'), nearest: await query(em, search) };
    });
    expect(plan).toContain(`Index Scan using ${name}`);
    expect(nearest[0]).toEqual({ chunk_index: 7 });
  });
});

test('registering again changes nothing', async () => {
  const id = await makeModel(384);
  const partition = await register(id);
  expect(await register(id)).toBe(partition);
});

test('a vector of another length is refused by the partition', async () => {
  const id = await makeModel(384);
  await register(id);
  await expect(database.inWorkspace(workspaceId, (em) => insertVectors(em, id, 385))).rejects.toMatchObject({
    code: '23514',
  });
});

test('vectors of a model that was never registered are refused', async () => {
  const id = await makeModel(384);
  await expect(database.inWorkspace(workspaceId, (em) => insertVectors(em, id, 384))).rejects.toMatchObject({
    code: '23514',
  });
});

test('a chat model and a foreign model cannot be registered', async () => {
  const other = await makeWorkspace(database);
  await expect(register(other.modelId, other.workspaceId)).rejects.toThrow('There is no embedding model');
  await expect(register(await makeModel(384), other.workspaceId)).rejects.toThrow('There is no embedding model');
});

test('more dimensions than an index can hold are refused', async () => {
  await expect(makeModel(4001)).rejects.toMatchObject({ code: '23514' });
});

test('models register at once, while others read and write', async () => {
  const busy = await makeModel(384);
  await register(busy);
  const ids = await Promise.all([1, 2, 3, 4].map((n) => makeModel(384 * n)));
  let reads = 0;
  let done = false;
  const reader = (async () => {
    while (!done) {
      await database.inWorkspace(workspaceId, (em) => query(em, 'select count(*) from chunk_embeddings'));
      reads += 1;
    }
  })();
  const writer = database.inWorkspace(workspaceId, (em) => insertVectors(em, busy, 384));
  const twice = [...ids, ...ids];
  const partitions = await Promise.all(twice.map((id) => register(id)));
  await writer;
  done = true;
  await reader;
  expect(new Set(partitions).size).toBe(4);
  expect(reads).toBeGreaterThan(0);
});

test('a reader is served while a registration has not been committed', async () => {
  const id = await makeModel(384);
  await database.inWorkspace(workspaceId, async (em) => {
    await query(em, 'select register_embedding_model($1)', [id]);
    const rows = await database.inWorkspace(workspaceId, async (other) => {
      await query(other, `set local lock_timeout = '1s'`);
      return query(other, 'select count(*)::int as n from chunk_embeddings where model_id = $1', [id]);
    });
    expect(rows).toEqual([{ n: 0 }]);
  });
});
