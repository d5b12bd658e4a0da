import path from 'node:path';
import pg from 'pg';
import { settleVectorIndexes } from '../../activities/embedding-models/build-vector-indexes.ts';
import { chainOf } from '../../domain/vector-indexes/vector-segments.ts';
import { countSegmentRows } from '../../entities/agents/index-health-repository.ts';
import { buildVectorIndex, readVectorIndexes } from '../../entities/agents/vector-index-repository.ts';
import { createDatabase } from '../../platform/database.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { defaultShape } from '../data/clustered-vectors.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { readCpuSeconds } from '../harness/cpu-time.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
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
const searchRounds = 2;
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
    const { seconds, countingSeconds } = await onCopy(
      work,
      (url) => runRaw(results, prefix, work, url, { way, connections: product.connections }),
      'raw',
    );
    speeds[way] = chunks / seconds;
    results.record(`raw.${prefix}${way}_chunks_per_s`, speeds[way]);
    results.record(`raw.${prefix}${way}_with_terms_chunks_per_s`, chunks / (seconds + countingSeconds));
  }
  const free = chunks / product.seconds;
  results.record(`free.${prefix}chunks_per_s`, free);
  results.record(`free.${prefix}ratio_to_raw`, free / Math.max(speeds.unnest, speeds.copy));
  const withBuild = chunks / (product.seconds + product.laterSeconds);
  results.record(`free.${prefix}with_build_ratio`, withBuild / Math.max(speeds.unnest, speeds.copy));
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
): Promise<{ seconds: number; laterSeconds: number; connections: number }> {
  const name = new URL(databaseUrl).pathname.slice(1);
  const searchable = (phase: string) =>
    measureSearches(results, `free.${prefix}search_${phase}`, work.base, databaseUrl);
  await searchable('before');
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
      await searchable('after');
      const laterSeconds = await buildYoungIndex(results, prefix, databaseUrl, work);
      await searchable('built');
      const { rows } = await database.query<{ connections: number }>(
        `select count(*)::integer as connections from pg_stat_activity
         where datname = current_database() and application_name = 'perdure-worker' and query <> ''`,
      );
      return { seconds: seconds + buildSeconds, laterSeconds, connections: rows[0]!.connections };
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

/**
 * Builds the index over what is in none, though the product would wait for more, and gives the seconds that these
 * documents' share of it took; over all rows where there is no index yet.
 */
async function buildYoungIndex(
  results: Results,
  prefix: string,
  databaseUrl: string,
  { base, documents }: Measurement,
): Promise<number> {
  const database = createDatabase({ DATABASE_URL: databaseUrl, PERDURE_DATABASE_POOL: 4 }, 'bench');
  try {
    const state = (await database.asOperator((em) => readVectorIndexes(em, base.corpus.modelId)))!;
    const from = chainOf(state.built).at(-1)?.to ?? null;
    const index = { name: `${state.partition}_built`, kind: 'hnsw' as const, metric: 'cosine' as const };
    const bounds = { from, to: state.nextOrdinal };
    const rows = await database.asOwner((em) => countSegmentRows(em, state.partition, bounds));
    results.record(`free.${prefix}young_rows`, rows);
    if (rows === 0) return 0;
    const started = performance.now();
    await database.autocommitAsOwner((em) =>
      buildVectorIndex(em, state, { ...index, ...bounds, parameters: { m: 16, ef_construction: 64 } }),
    );
    const perRow = (performance.now() - started) / rows;
    results.record(`free.${prefix}build_ms_per_row`, perRow);
    return (perRow * Math.min(rows, countChunks(documents))) / 1000;
  } finally {
    await database.close();
  }
}

/** Times of the product's search for the nearest vectors, one after the other, after a first round. */
async function measureSearches(results: Results, name: string, { corpus }: BaseDatabase, url: string): Promise<void> {
  const owner = new pg.Client({ connectionString: url, options: '-c role=perdure_owner' });
  await owner.connect();
  try {
    const times: number[] = [];
    for (let round = 0; round <= searchRounds; round++) {
      for (const { vector } of corpus.queries) {
        const values = [corpus.workspaceId, corpus.modelId, `[${vector.join(',')}]`];
        const started = performance.now();
        await owner.query({
          name: 'dense',
          text: `select plan from search_dense($1, null, null, null, $2, $3::vector, 'cosine', 50, 200)`,
          values,
        });
        if (round > 0) times.push(performance.now() - started);
      }
    }
    results.record(`${name}_p50_ms`, percentile(times, 0.5));
  } finally {
    await owner.end();
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
