import path from 'node:path';
import type pg from 'pg';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { defaultVectorIndex, planVectorIndexes } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { defaultShape } from '../data/clustered-vectors.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { installPeers } from '../peers/install-peers.ts';
import { measureIngestPeers } from '../peers/measure-ingest-peers.ts';
import { measureKills } from '../peers/measure-kills.ts';
import { asLogin, benchKey, makeBase, onCopy, planDocuments, upload } from './base-database.ts';
import type { BaseDatabase } from './base-database.ts';
import { IngestClient } from './ingest-client.ts';
import { documentCharacters, freeDocuments, presentChunks, warmUpDocuments } from './ingest-sizes.ts';
import { RawLoader } from './load-raw.ts';
import type { RawWay } from './load-raw.ts';
import type { PlannedDocument } from './plan-chunks.ts';
import { withServedDatabase } from './served-database.ts';
import type { Served } from './served-database.ts';
import { writeVectors } from './vector-file.ts';

// A large database takes long to copy.
const rounds = { '': 3, 'at100k.': 2 };

interface Measurement {
  stack: Stack;
  base: BaseDatabase;
  warmUp: PlannedDocument[];
  documents: PlannedDocument[];
  vectors: string;
  /** Whether LangChain.js and LlamaIndex.TS get the same documents, in the same rounds beside the first size. */
  peers: boolean;
}

/**
 * The same documents with the same vectors, which cost nothing, into copies of the same database: through the whole
 * product, and by plain SQL with as many connections as the product's worker was seen to use.
 */
export async function measureFree(results: Results, { peers }: { peers: boolean }): Promise<void> {
  if (peers) await installPeers();
  await withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const planned = planDocuments(stack, {
      name: 'free',
      count: warmUpDocuments + freeDocuments,
      characters: documentCharacters,
    });
    const vectors = path.join(stack.home, 'vectors');
    await writeVectors(
      vectors,
      planned.flatMap((document) => document.chunks),
    );
    const work = {
      stack,
      vectors,
      warmUp: planned.slice(0, warmUpDocuments),
      documents: planned.slice(warmUpDocuments),
      peers,
    };
    for (const [index, prefix] of (['', 'at100k.'] as const).entries()) {
      const base = await makeBase(stack, `base_${index}`, presentChunks[index]!);
      for (let round = 1; round <= rounds[prefix]; round++)
        await measureRound(results, prefix, { ...work, base }, round);
      if (peers && prefix === '') await measureKills(results, { ...work, base });
      await asLogin(stack, 'postgres', (client) => client.query(`drop database ${base.name}`));
    }
    const chunks = countChunks(work.documents);
    results.note(
      `free and raw: ${work.documents.length} documents of ${documentCharacters / 1000} kB (${chunks} chunks) a round beside ` +
        `${presentChunks.join(' or ')} chunks; vectors of ${defaultShape.dimensions} dimensions in clusters.`,
    );
  });
}

async function measureRound(results: Results, prefix: string, work: Measurement, round: number): Promise<void> {
  const chunks = countChunks(work.documents);
  const product = await onCopy(work, (url) => runProduct(results, prefix, work, url));
  const speeds: Record<RawWay, number> = { unnest: 0, copy: 0 };
  const ways: RawWay[] = round % 2 === 1 ? ['unnest', 'copy'] : ['copy', 'unnest'];
  for (const way of ways) {
    const { seconds, countingSeconds } = await onCopy(work, (url) =>
      runRaw(results, prefix, work, url, { way, connections: product.connections }),
    );
    speeds[way] = chunks / seconds;
    results.record(`raw.${prefix}${way}_chunks_per_s`, speeds[way]);
    results.record(`raw.${prefix}${way}_with_terms_chunks_per_s`, chunks / (seconds + countingSeconds));
  }
  const free = chunks / product.seconds;
  results.record(`free.${prefix}chunks_per_s`, free);
  results.record(`free.${prefix}ratio_to_raw`, free / Math.max(speeds.unnest, speeds.copy));
  results.record(`free.${prefix}connections`, product.connections);
  progress(
    `free vectors ${prefix}round ${round}: product ${free.toFixed(0)}, unnest ${speeds.unnest.toFixed(0)}, ` +
      `copy ${speeds.copy.toFixed(0)} chunks/s with ${product.connections} connections`,
  );
  if (work.peers && prefix === '') {
    await measureIngestPeers(results, work, { lanes: product.connections, perdure: free });
  }
}

async function runProduct(
  results: Results,
  prefix: string,
  work: Measurement,
  databaseUrl: string,
): Promise<{ seconds: number; connections: number }> {
  const name = new URL(databaseUrl).pathname.slice(1);
  await asLogin(work.stack, name, (database) => dropYoungIndex(database, work.base));
  return withServedDatabase(work.stack, { databaseUrl, vectors: work.vectors }, async ({ url, pids }) => {
    const client = await IngestClient.connect({ url, key: benchKey, databaseUrl, source: 'rest' });
    await client.ingest(work.warmUp.map(upload));
    const before = await readCpu(pids);
    const seconds = await client.ingest(work.documents.map(upload));
    const after = await readCpu(pids);
    await client.close();
    for (const [part, used] of after) {
      const milliseconds = 1000 * (used - before.get(part)!);
      results.record(`free.${prefix}cpu_ms_per_chunk.${part}`, milliseconds / countChunks(work.documents));
    }
    return asLogin(work.stack, name, async (database) => {
      await requireVectors(database, countChunks(work.documents) + countChunks(work.warmUp));
      const buildSeconds = await buildDueIndex(databaseUrl, work.base);
      results.record(`free.${prefix}index_build_s`, buildSeconds);
      const { rows } = await database.query<{ connections: number }>(
        `select count(*)::integer as connections from pg_stat_activity
         where datname = current_database() and application_name = 'perdure-worker' and query <> ''`,
      );
      return { seconds: seconds + buildSeconds, connections: rows[0]!.connections };
    });
  });
}

/** Seconds of processor time that each part has used. */
export async function readCpu(pids: Served['pids']): Promise<Map<string, number>> {
  const entries = Object.entries(pids).map(async ([name, pid]) => [name, await readCpuSeconds(pid)] as const);
  return new Map(await Promise.all(entries));
}

async function runRaw(
  results: Results,
  prefix: string,
  work: Measurement,
  databaseUrl: string,
  { way, connections }: { way: RawWay; connections: number },
): Promise<{ seconds: number; countingSeconds: number }> {
  const loader = await RawLoader.connect(databaseUrl, connections, work.base.corpus);
  try {
    await loader.load(way, work.warmUp);
    const { postgres } = work.stack.processes;
    const before = await readCpuSeconds(postgres!.pid!);
    const seconds = await loader.load(way, work.documents);
    const milliseconds = 1000 * ((await readCpuSeconds(postgres!.pid!)) - before);
    results.record(`raw.${prefix}${way}_cpu_ms_per_chunk`, milliseconds / countChunks(work.documents));
    return { seconds, countingSeconds: loader.countingSeconds };
  } finally {
    await loader.close();
  }
}

/** The database as the product would have come there by itself: of few rows it has no index yet, and all are compared. */
async function dropYoungIndex(database: pg.Client, { corpus }: BaseDatabase): Promise<void> {
  const { partition } = corpus;
  const { rows } = await database.query<{ found: number }>(`select count(*)::integer as found from ${partition}`);
  const vectors = { partition, rows: rows[0]!.found, dimensions: defaultShape.dimensions, isLoading: false };
  if (planVectorIndexes(defaultVectorIndex, vectors, []).waitsForRows === null) return;
  const found = await database.query<{ name: string }>(
    `select indexname as name from pg_indexes where tablename = $1 and indexdef like '% USING hnsw %'`,
    [partition],
  );
  for (const { name } of found.rows) await database.query(`drop index "${name}"`);
}

/** Seconds that the product still needs for an index that has become due; 0 if none has, or it is there. */
async function buildDueIndex(databaseUrl: string, { corpus }: BaseDatabase): Promise<number> {
  const database = createDatabase({ DATABASE_URL: databaseUrl, PERDURE_DATABASE_POOL: 4 }, 'bench');
  try {
    const started = performance.now();
    const { built } = await settleVectorIndexes(database, corpus.modelId, new AbortController().signal);
    return built.length === 0 ? 0 : (performance.now() - started) / 1000;
  } finally {
    await database.close();
  }
}

/** A round in which a chunk was lost would be a quick one. */
async function requireVectors(database: pg.Client, expected: number): Promise<void> {
  const { rows } = await database.query<{ found: number }>(
    `select count(*)::integer as found from documents d
     join chunk_embeddings e on e.document_id = d.id and e.generation = d.active_generation where d.source_path is not null`,
  );
  if (rows[0]!.found !== expected) throw new Error(`${rows[0]!.found} of ${expected} chunks have their vector.`);
}

/** Chunks of all these documents. */
export const countChunks = (documents: readonly PlannedDocument[]): number =>
  documents.reduce((sum, document) => sum + document.chunks.length, 0);
