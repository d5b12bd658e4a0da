import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import pg from 'pg';
import { v7 } from 'uuid';
import { createModelActivities } from '../../activities/embedding-models/create-model-activities.ts';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { expectedIndexBytes } from '../../domain/vector-indexes/expected-index-bytes.ts';
import { readVectorIndexes, segmentCondition, setVectorIndex } from '../../entities/agents/vector-index-repository.ts';
import { noteQuery } from '../../entities/search/query-sample-repository.ts';
import { query } from '../../entities/sql.ts';
import { createDatabase, type Database } from '../../platform/database.ts';
import { createWorkStarter } from '../../platform/work-starter.ts';
import { workflowBundle } from '../../platform/workflow-bundle.ts';
import { Library } from '../retrieval/library.ts';
import { testDatabase } from '../support/servers/test-database.ts';
import { testServers } from '../support/servers/test-servers.ts';
import { testTemporal } from '../support/servers/test-temporal.ts';
import { until } from '../support/until.ts';

jest.setTimeout(120_000);
const { url } = testDatabase();
const temporal = testTemporal();
const rows = 1500;
const dimensions = 16;
let database: Database;
let library: Library;
let documentId: string;
let client: Client;
let connection: Connection;
let native: NativeConnection;
let worker: Worker;
let running: Promise<void>;
let diskRoom: number | null = null;
let modelId: string;

beforeAll(async () => {
  database = createDatabase({ DATABASE_URL: url, PERDURE_DATABASE_POOL: 10 }, 'maintain-index-test');
  library = await new Library(database).create();
  documentId = await library.add(
    'numbers',
    Array.from({ length: rows + 10 }, (_, index) => ({ content: `${index}`, vector: [1, index, 2] })),
  );
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
  native = await NativeConnection.connect({ address: temporal.address });
  worker = await Worker.create({
    connection: native,
    namespace: temporal.namespace,
    taskQueue: taskQueues.maintain,
    workflowBundle: { codePath: await workflowBundle(testServers().cache) },
    activities: createModelActivities({
      database,
      embeddingModel: () => {
        throw new Error('No model is called here.');
      },
      notifyDocument: () => {},
      readDiskRoom: async () => diskRoom,
    }),
  });
  running = worker.run();
}, 90_000);
afterAll(async () => {
  worker?.shutdown();
  await running;
  await native?.close();
  await connection?.close();
  await database?.close();
});
beforeEach(async () => {
  modelId = v7();
  await library.addModel(modelId, dimensions);
  const { partition } = await indexes();
  // What is dead is to stay so until the test has seen it.
  await asOwner(`alter table "${partition}" set (autovacuum_enabled = off)`);
  await insert(0, rows);
  await database.asOperator((em) => setVectorIndex(em, modelId, { min_rows: 0 }));
  await settleVectorIndexes(database, modelId, new AbortController().signal);
  await asOwner(`vacuum (analyze) "${partition}"`);
});
afterEach(() => {
  diskRoom = null;
});

const asOwner = (text: string, parameters: unknown[] = []) =>
  database.autocommitAsOwner((em) => query<Record<string, never>>(em, text, parameters));
// As the operator: the only connection of the owner is the one that builds.
const indexes = async () => (await database.readAsOperator((em) => readVectorIndexes(em, modelId)))!;
const model = () => ({ workspaceId: library.workspaceId, modelId });

/** Vectors in random directions, the same for the same numbers. */
async function insert(from: number, to: number, shift = 0): Promise<void> {
  await asOwner(
    `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, embedding)
     select $1, $2, $3, 1, i, (select array_agg(mod((sin((i + $7) * 16 + d) * 43758.5453)::numeric, 1)::float8 order by d) from generate_series(1, $4) d)::vector
     from generate_series($5::int, $6::int - 1) i`,
    [modelId, library.workspaceId, documentId, dimensions, from, to, shift],
  );
  // By the same connection, which would keep what it has counted to itself for ten seconds.
  await asOwner('select pg_stat_force_next_flush()');
}

/** Deletes 60 % of the vectors and stores others in their place. */
async function replaceMost(): Promise<void> {
  const most = Math.round(rows * 0.6);
  await asOwner('delete from chunk_embeddings where model_id = $1 and chunk_index < $2', [modelId, most]);
  await insert(0, most, 50_000);
  await until(async () => (await deadRows()) >= most, { what: 'the statistics of dead rows' });
}

async function deadRows(): Promise<number> {
  const [row] = await asOwner(
    `select pg_stat_get_dead_tuples(to_regclass('chunk_embeddings_' || replace($1, '-', '')))::int as dead`,
    [modelId],
  );
  return (row as unknown as { dead: number }).dead;
}

const maintain = async () => {
  await createWorkStarter(client).startMaintenance(model());
  return client.workflow.getHandle(workflowIds.maintainIndex(modelId));
};

type Report = { state: string; decided: string; did: { after?: { recall: { stored: number }; p95Ms: number } } };

async function reports(): Promise<Report[]> {
  return database.inWorkspace(library.workspaceId, (em) =>
    query(
      em,
      `select state, decided, reason, saw, did, error, subject from maintenance_reports
       where workflow_id = $1 order by started_at desc`,
      [workflowIds.maintainIndex(modelId)],
    ),
  );
}

/** An index of all rows, those that come later among them, as releases before the segments have built it. */
async function coverAll(): Promise<void> {
  const { built, partition } = await indexes();
  await asOwner(
    `create index "${partition}_cos_h16_64" on "${partition}"
     using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) with (m = 16, ef_construction = 64)`,
  );
  for (const { name } of built) await asOwner(`drop index "${name}"`);
}

describe('R21 an index whose rows were mostly deleted and replaced', () => {
  test('is built anew where it holds all rows: from then on it ends, and no later row goes into it', async () => {
    await coverAll();
    const { built } = await indexes();
    expect(built).toMatchObject([{ from: null, to: null }]);
    await replaceMost();
    const bloated = (await indexes()).built[0]!;
    expect(bloated.bytes).toBeGreaterThan(1.4 * built[0]!.bytes);
    expect(await (await maintain()).result()).toEqual({
      indexes: [{ name: bloated.name, action: 'reindex', kept: true }],
    });
    const now = (await indexes()).built;
    expect(now).toMatchObject([
      { name: bloated.name, isValid: true, from: null, to: expect.any(Number), rowsAfter: 0 },
    ]);
    expect(now[0]!.bytes).toBeLessThan(0.8 * bloated.bytes);
    expect(now[0]!.bytes / expectedIndexBytes({ rows, dimensions, m: 16 })).toBeCloseTo(1, 0);
    expect((await reports())[0]).toMatchObject({ saw: { rows, deadRows: 0.6 * rows } });
    await insert(rows, rows + 10);
    expect((await indexes()).built).toMatchObject([{ name: bloated.name, rowsAfter: 10 }]);
    expect(await (await maintain()).result()).toMatchObject({ indexes: [{ action: 'nothing' }] });
  });

  test('is built anew before it is vacuumed, found no worse, and takes the place and the name of the old one', async () => {
    const { built, partition } = await indexes();
    await database.autocommit((em) =>
      noteQuery(em, { ...model(), embedding: Float32Array.from({ length: dimensions }, (_, d) => Math.cos(d * 7)) }),
    );
    await replaceMost();
    // What came in the place of the others is in no index.
    const bloated = (await indexes()).built[0]!;
    expect(bloated).toMatchObject({ bytes: built[0]!.bytes, rowsAfter: 0.6 * rows });
    const result = await (await maintain()).result();
    expect(result).toEqual({ indexes: [{ name: bloated.name, action: 'reindex', kept: true }] });
    const [now, ...others] = (await indexes()).built;
    expect(others).toEqual([]);
    expect(now).toMatchObject({ name: bloated.name, isValid: true });
    expect(now!.oid).not.toBe(bloated.oid);
    expect(now!.bytes).toBeLessThan(0.8 * bloated.bytes);
    expect(now!.bytes / expectedIndexBytes({ rows: 0.4 * rows, dimensions, m: 16 })).toBeCloseTo(1, 0);
    expect(now).toMatchObject({ from: bloated.from, to: bloated.to });
    expect(await deadRows()).toBe(0);
    const [report] = await reports();
    expect(report).toMatchObject({
      state: 'done',
      decided: 'reindex',
      subject: bloated.name,
      saw: { rows: 0.4 * rows, deadRows: expect.any(Number), recall: { queries: expect.any(Number) }, roomBytes: null },
      did: { kept: true, before: { bytes: bloated.bytes }, after: { bytes: expect.any(Number) } },
    });
    expect(report!.did.after!.recall.stored).toBeGreaterThan(0.9);
    expect(report!.did.after!.p95Ms).toBeGreaterThan(0);
    expect(partition).toContain(modelId.replaceAll('-', ''));
    // Another look has nothing to do.
    expect(await (await maintain()).result()).toMatchObject({ indexes: [{ action: 'nothing' }] });
  });

  test('is vacuumed alone where the disk has no room for another', async () => {
    diskRoom = 1000;
    await replaceMost();
    const before = (await indexes()).built[0]!;
    expect(await (await maintain()).result()).toMatchObject({ indexes: [{ action: 'vacuum' }] });
    expect((await indexes()).built).toMatchObject([{ oid: before.oid }]);
    expect(await deadRows()).toBe(0);
    expect((await reports())[0]).toMatchObject({ state: 'done', reason: expect.stringContaining('room for') });
  });

  test('a cancel ends the build in the database, and leaves the index that serves alone', async () => {
    await replaceMost();
    const [serving] = (await indexes()).built;
    const handle = await whileBuildsWait(async (watcher) => {
      const started = await maintain();
      const building = async () => {
        const { rows: found } = await watcher.query(
          `select from pg_stat_activity where datname = current_database() and query like 'create index concurrently%' and state = 'active'`,
        );
        return found.length === 1;
      };
      await until(building, { what: 'the build', timeoutMs: 30_000 });
      await started.cancel();
      // What was half built can be dropped only once the writer has ended.
      await until(async () => !(await building()), { what: 'the end of the build' });
      return started;
    });
    await expect(handle.result()).rejects.toThrow(WorkflowFailedError);
    expect((await indexes()).built).toMatchObject([{ oid: serving!.oid, isValid: true }]);
    expect(await indexes()).toMatchObject({ isHeld: false, isBusy: false });
    expect((await reports())[0]).toMatchObject({ state: 'failed', error: { code: 'cancelled' } });
  });

  test('what a killed rebuild has left is dropped or gone on with, and nobody drops it meanwhile', async () => {
    await replaceMost();
    const { built, partition } = await indexes();
    const columns = `using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops)`;
    await asOwner(
      `create index "${partition}_cos_new" on "${partition}" ${columns} with (m = 16, ef_construction = 64)
       where ${segmentCondition(built[0]!)}`,
    );
    await breakIndex(`${partition}_ccnew`, partition, columns);
    expect((await indexes()).built.filter(({ isValid }) => isValid)).toHaveLength(2);
    expect(await (await maintain()).result()).toMatchObject({ indexes: [{ action: 'reindex', kept: true }] });
    expect((await indexes()).built).toMatchObject([{ name: built[0]!.name, isValid: true }]);
  });
});

test('R21 one model at a time: a second one waits, and none that is held is touched by a change of settings', async () => {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  try {
    await replaceMost();
    await holder.query(`select pg_advisory_lock(hashtext('perdure.vector_indexes'), 0)`);
    await holder.query(`select pg_advisory_lock(hashtext('perdure.vector_indexes'), hashtext($1))`, [modelId]);
    expect((await indexes()).isHeld).toBe(true);
    await database.asOperator((em) => setVectorIndex(em, modelId, { min_rows: 0, m: 8, ef_construction: 32 }));
    const settling = settleVectorIndexes(database, modelId, new AbortController().signal);
    const handle = await maintain();
    await until(async () => (await reports())[0]?.state === 'running', { what: 'the look' });
    expect((await indexes()).built).toHaveLength(1);
    await holder.query('select pg_advisory_unlock_all()');
    await Promise.all([settling, handle.result()]);
    await settleVectorIndexes(database, modelId, new AbortController().signal);
    expect((await indexes()).built).toMatchObject([{ isValid: true, parameters: { m: 8 } }]);
  } finally {
    await holder.end();
  }
});

test('the schedule looks after all models, one after the other, and one that fails holds up no other', async () => {
  const other = v7();
  await library.addModel(other, dimensions);
  const handle = await client.workflow.start(workflowTypes.maintainIndexes, {
    workflowId: `maintain-indexes-${modelId}`,
    taskQueue: taskQueues.maintain,
    args: [],
  });
  const { models } = (await handle.result()) as { models: number };
  expect(models).toBeGreaterThan(0);
  expect((await reports())[0]).toMatchObject({ decided: expect.any(String), state: 'done' });
});

/**
 * Lets builds of indexes begin and not end: each waits for transactions that were there before it. `watcher` is a
 * connection outside of that transaction.
 */
async function whileBuildsWait<T>(work: (watcher: pg.Client) => Promise<T>): Promise<T> {
  const [writer, watcher] = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })];
  await Promise.all([writer.connect(), watcher.connect()]);
  try {
    await writer.query('begin');
    await writer.query('update chunk_embeddings set created_at = now() where model_id = $1 and chunk_index = 0', [
      modelId,
    ]);
    return await work(watcher);
  } finally {
    await Promise.all([writer.end(), watcher.end()]);
  }
}

/** An index as a killed build leaves it: it is there, and not valid. */
async function breakIndex(name: string, partition: string, columns: string): Promise<void> {
  await whileBuildsWait(async (watcher) => {
    const builder = new pg.Client({ connectionString: url, options: '-c role=perdure_owner' });
    await builder.connect();
    try {
      const { rows: pids } = await builder.query<{ pid: number }>('select pg_backend_pid() as pid');
      const build = builder.query(`create index concurrently "${name}" on "${partition}" ${columns}`).catch(() => {});
      await until(async () => (await indexes()).built.some((index) => index.name === name), { what: 'the build' });
      await watcher.query('select pg_cancel_backend($1)', [pids[0]!.pid]);
      await build;
    } finally {
      await builder.end();
    }
  });
}
