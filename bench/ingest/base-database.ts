import { createHash, randomUUID } from 'node:crypto';
import path from 'node:path';
import pg from 'pg';
import { defaultVectorIndex, planVectorIndexes } from '../../domain/vector-indexes/plan-vector-indexes.ts';
import { createLocalEmbeddingModel } from '../../providers/local/local-embedding-model.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { ClusteredVectors, defaultShape } from '../data/clustered-vectors.ts';
import { hnswOf, loadCorpus } from '../data/load-corpus.ts';
import type { Corpus } from '../data/load-corpus.ts';
import { MarkdownText } from '../data/markdown-text.ts';
import { progress } from '../harness/progress.ts';
import type { BenchDocument } from './ingest-client.ts';
import { planDocument } from './plan-chunks.ts';
import type { PlannedDocument } from './plan-chunks.ts';

const seed = 1;
const wholeIndex = '_whole';

/** The API key that every base database knows. */
export const benchKey = 'pk_bench';

/** A database that each measurement gets a copy of, so that all of them begin alike. */
export interface BaseDatabase {
  name: string;
  corpus: Corpus;
}

/** Documents of random text with their chunks and vectors; the same order gives the same ones. */
export function planDocuments(
  stack: Stack,
  order: { name: string; count: number; characters: number },
): PlannedDocument[] {
  const model = createLocalEmbeddingModel({ modelDirectory: path.join(stack.home, 'models', 'all-MiniLM-L6-v2') });
  const text = new MarkdownText(12);
  const vectors = new ClusteredVectors(seed).reseed(13);
  return Array.from({ length: order.count }, (_, n) =>
    planDocument({ path: `${order.name}/${n}.md`, text: text.document(order.characters) }, model, vectors),
  );
}

/** Makes a database with so many chunks and a model whose vectors are looked up. */
export async function makeBase(stack: Stack, name: string, chunks: number): Promise<BaseDatabase> {
  const code = await stack.runScript('scripts/db/upgrade.ts', [], () => {});
  if (code !== 0) throw new Error('The migrations failed: run npm run db:check.');
  await asLogin(stack, 'postgres', (client) => client.query(`create database ${name} template perdure`));
  progress(`loading ${chunks} chunks`);
  const owner = new pg.Client({ connectionString: urlOf(stack, name), options: '-c role=perdure_owner' });
  await owner.connect();
  try {
    const corpus = await loadCorpus(owner, {
      seed,
      documents: Math.ceil(chunks / 10),
      chunksPerDocument: 10,
      wordsPerChunk: 120,
      shape: defaultShape,
      queries: 100,
    });
    await owner.query(
      `create index "${corpus.partition}${wholeIndex}" on ${corpus.partition} ${hnswOf(defaultShape.dimensions)}`,
    );
    await owner.query(
      `insert into api_keys (id, workspace_id, name, prefix, key_hash, role) values ($1, $2, 'bench', 'pk_bench', $3, 'admin')`,
      [randomUUID(), corpus.workspaceId, createHash('sha256').update(benchKey).digest()],
    );
    return { name, corpus };
  } finally {
    await owner.end();
  }
}

/**
 * Whose indexes of the vectors a copy has: what the product would have built by itself, which is none over few rows and
 * else one that ends at the last of them; or one over all rows, those that come later included, as anybody would make it.
 */
export type CopyFor = 'product' | 'raw';

/** Runs `work` on a copy that is dropped afterwards. It is on disk when it is made, so nothing of it is written while the clock runs. */
export async function onCopy<T>(
  { stack, base }: { stack: Stack; base: BaseDatabase },
  work: (databaseUrl: string) => Promise<T>,
  copyFor: CopyFor = 'product',
): Promise<T> {
  const name = `${base.name}_copy`;
  await asLogin(stack, 'postgres', (client) =>
    client.query(`create database ${name} template ${base.name} strategy file_copy`),
  );
  try {
    await asLogin(stack, name, (database) => dropOtherIndexes(database, base, copyFor));
    return await work(urlOf(stack, name));
  } finally {
    await asLogin(stack, 'postgres', (client) => client.query(`drop database ${name}`));
  }
}

async function dropOtherIndexes(database: pg.Client, { corpus }: BaseDatabase, copyFor: CopyFor): Promise<void> {
  const { partition } = corpus;
  const { rows } = await database.query<{ found: number }>(`select count(*)::integer as found from ${partition}`);
  const vectors = { partition, rows: rows[0]!.found, dimensions: defaultShape.dimensions };
  const plan = planVectorIndexes(defaultVectorIndex, { ...vectors, arrivingRows: 0, nextOrdinal: 1 }, []);
  const { rows: indexes } = await database.query<{ name: string; ofAll: boolean }>(
    `select indexname as name, right(indexname, length($2)) = $2 as "ofAll" from pg_indexes
     where tablename = $1 and indexdef like '% USING hnsw %'`,
    [partition, wholeIndex],
  );
  for (const { name, ofAll } of indexes) {
    const isWanted = copyFor === 'raw' ? ofAll : !ofAll && plan.waitsForRows === null;
    if (!isWanted) await database.query(`drop index "${name}"`);
  }
}

/** Runs `work` on a connection to one of the stack's databases. */
export async function asLogin<T>(stack: Stack, database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: urlOf(stack, database) });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** What a client sends of a planned document. */
export const upload = ({ path: name, text }: PlannedDocument): BenchDocument => ({ path: name, text });

function urlOf(stack: Stack, name: string): string {
  const url = new URL(stack.env.DATABASE_URL!);
  url.pathname = `/${name}`;
  return url.href;
}
