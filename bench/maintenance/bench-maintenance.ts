import { fork } from 'node:child_process';
import path from 'node:path';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import pg from 'pg';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { taskQueues } from '../../contracts/names/task-queues.ts';
import { workflowIds, workflowTypes } from '../../contracts/names/workflows.ts';
import { createDatabase } from '../../platform/database.ts';
import { defaultShape } from '../data/clustered-vectors.ts';
import { loadCorpus, type Corpus } from '../data/load-corpus.ts';
import type { BenchOptions } from '../harness/bench-options.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { replaceVectors } from './replace-vectors.ts';

const wholeRows = 100_000;
const chunksPerDocument = 10;
const replacedShare = 0.6;
const rounds = 3;

/**
 * An index of which 60 % of the rows were deleted and replaced is looked after by the product while searches go on: what
 * these find, how large the index is, and how long they take before, meanwhile and afterwards.
 */
export function benchMaintenance(results: Results, { scale = 1 }: BenchOptions): Promise<void> {
  const rows = Math.max(2000, Math.round(wholeRows * scale));
  return withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const code = await stack.runScript('scripts/db/upgrade.ts', [], () => {});
    if (code !== 0) throw new Error('The migrations failed: see the log of scripts/db/upgrade.ts.');
    const owner = new pg.Client({ connectionString: stack.env.DATABASE_URL!, options: '-c role=perdure_owner' });
    await owner.connect();
    const connection = await Connection.connect({ address: stack.env.TEMPORAL_ADDRESS! });
    const temporal = new Client({ connection });
    try {
      const corpus = await loadCorpus(
        owner,
        {
          seed: 7,
          documents: rows / chunksPerDocument,
          chunksPerDocument,
          wordsPerChunk: 4,
          shape: defaultShape,
          queries: Math.min(200, rows / chunksPerDocument),
        },
        progress,
      );
      // What is dead stays so until the product acts; autovacuum would begin within the minute.
      await owner.query(`alter table ${corpus.partition} set (autovacuum_enabled = off)`);
      await measure(results, owner, corpus, 'fresh');
      progress('replacing');
      // Started once the rows are there: it would build the index while they come.
      const worker = fork(path.join(import.meta.dirname, '../../worker.ts'), [], {
        env: { ...stack.env, PERDURE_QUEUES: taskQueues.maintain },
        stdio: 'ignore',
      });
      let before: number;
      let during: number;
      try {
        // Has nothing to do yet, and shows that the worker is there.
        await (await startMaintenance(temporal, corpus)).result();
        await replaceVectors(owner, corpus, replacedShare, progress);
        await settle(stack.env.DATABASE_URL!, corpus);
        before = await measure(results, owner, corpus, 'before');
        during = await whileMaintained(results, { owner, corpus, temporal });
      } finally {
        worker.kill();
      }
      const after = await measure(results, owner, corpus, 'after');
      results.record('during_to_before_p95', during / before);
      results.record('after_to_before_p95', after / before);
      await reportDecision(results, owner, corpus);
    } finally {
      await connection.close();
      await owner.end();
    }
    results.note(
      `${rows} rows of ${defaultShape.dimensions} dimensions, ${100 * replacedShare} % of which were deleted and replaced; ` +
        'search_dense, depth 50, ef_search 200, one connection, one search after the other; recall10 against comparing with all.',
    );
  });
}

/** What the product's sweeps would have done while those vectors came: a segment for them. */
async function settle(databaseUrl: string, { modelId }: Corpus): Promise<void> {
  const database = createDatabase({ DATABASE_URL: databaseUrl, PERDURE_DATABASE_POOL: 4 }, 'bench');
  try {
    await settleVectorIndexes(database, modelId, new AbortController().signal);
  } finally {
    await database.close();
  }
}

type Phase = 'fresh' | 'before' | 'after';

/** Recall, sizes and times with nothing else going on; the p95 in ms. */
async function measure(results: Results, owner: pg.Client, corpus: Corpus, phase: Phase): Promise<number> {
  const { rows } = await owner.query<{ bytes: string }>(
    `select sum(pg_relation_size(i.indexrelid)) as bytes from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_am a on a.oid = c.relam where i.indrelid = $1::regclass and a.amname = 'hnsw'`,
    [corpus.partition],
  );
  results.record(`${phase}.index_mb`, Number(rows[0]!.bytes) / 1e6);
  results.record(`${phase}.recall10`, await recall(owner, corpus));
  const all: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const times = [];
    for (const { vector } of corpus.queries) times.push(await time(owner, corpus, vector));
    results.record(`${phase}.p50_ms`, percentile(times, 0.5));
    results.record(`${phase}.p95_ms`, percentile(times, 0.95));
    all.push(...times);
  }
  return percentile(all, 0.95);
}

async function startMaintenance(temporal: Client, { workspaceId, modelId }: Corpus): Promise<WorkflowHandle> {
  return temporal.workflow.start(workflowTypes.maintainIndex, {
    workflowId: workflowIds.maintainIndex(modelId),
    taskQueue: taskQueues.maintain,
    args: [{ workspaceId, modelId }],
  });
}

/** Searches without a pause for as long as the product's own workflow runs; their p95 in ms. */
async function whileMaintained(
  results: Results,
  { owner, corpus, temporal }: { owner: pg.Client; corpus: Corpus; temporal: Client },
): Promise<number> {
  const began = performance.now();
  const handle = await startMaintenance(temporal, corpus);
  let isOver = false;
  const ended = handle.result().finally(() => (isOver = true));
  ended.catch(() => {});
  const times: number[] = [];
  for (let turn = 0; !isOver; turn += 1) {
    times.push(await time(owner, corpus, corpus.queries[turn % corpus.queries.length]!.vector));
  }
  await ended;
  results.record('during.s', (performance.now() - began) / 1000);
  results.record('during.searches', times.length);
  results.record('during.p50_ms', percentile(times, 0.5));
  results.record('during.p95_ms', percentile(times, 0.95));
  results.record('during.longest_ms', Math.max(...times));
  return percentile(times, 0.95);
}

const search = `select * from search_dense($1, null, null, null, $2, $3::vector, 'cosine', 50, 200)`;

async function time(owner: pg.Client, { workspaceId, modelId }: Corpus, vector: Float32Array): Promise<number> {
  const values = [workspaceId, modelId, `[${vector.join(',')}]`];
  const started = performance.now();
  await owner.query({ name: 'dense', text: search, values });
  return performance.now() - started;
}

/** The share of the ten true nearest that searches find. */
async function recall(owner: pg.Client, corpus: Corpus): Promise<number> {
  const { workspaceId, modelId, partition, queries } = corpus;
  const type = `vector(${defaultShape.dimensions})`;
  let met = 0;
  for (const { vector } of queries) {
    const literal = `[${vector.join(',')}]`;
    const found = await owner.query<{ distances: number[]; plan: { plan: string } }>(search, [
      workspaceId,
      modelId,
      literal,
    ]);
    if (found.rows[0]!.plan.plan !== 'index') throw new Error(`The plan was ${JSON.stringify(found.rows[0]!.plan)}.`);
    const exact = await owner.query<{ distances: number[] }>(
      `select distances from nearest_by_comparing($1, $2, '<=>', array[$3::vector], 10)`,
      [partition, type, literal],
    );
    const farthest = exact.rows[0]!.distances.at(-1)!;
    met += Math.min(10, found.rows[0]!.distances.filter((distance) => distance <= farthest).length);
  }
  return met / (10 * queries.length);
}

async function reportDecision(results: Results, owner: pg.Client, corpus: Corpus): Promise<void> {
  const { rows } = await owner.query<{ decided: string; reason: string; did: { reason?: string; kept?: boolean } }>(
    `select decided, reason, did from maintenance_reports where workflow_id = $1 order by started_at desc`,
    [workflowIds.maintainIndex(corpus.modelId)],
  );
  if (rows.length === 0) throw new Error('The maintenance wrote no report.');
  for (const { decided, reason, did } of rows) results.note(`${decided}: ${reason}. ${did.reason ?? ''}`);
  results.record('rebuilt', rows.some(({ did }) => did.kept === true) ? 1 : 0);
}
