import pg from 'pg';
import { defaultShape } from '../data/clustered-vectors.ts';
import { loadCorpus } from '../data/load-corpus.ts';
import type { Corpus } from '../data/load-corpus.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';

/** Around the rows from which on a model gets its index: 13,021 of 384 dimensions, 1,303 of 1,536. */
const sizes = [
  { dimensions: 384, rows: [2_000, 5_000, 10_000, 13_000, 20_000] },
  { dimensions: 1536, rows: [800, 1_300, 2_000, 3_300, 5_000] },
];
const rounds = 3;
const chunksPerDocument = 10;

type Plan = 'exact' | 'index';

/**
 * The product's own search for the nearest vectors with its index and without, at numbers of rows around the one from which
 * on it builds the index; and what the index does not find.
 */
export function benchExact(results: Results): Promise<void> {
  return withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const code = await stack.runScript('scripts/db/upgrade.ts', [], () => {});
    if (code !== 0) throw new Error('The migrations failed: see the log of scripts/db/upgrade.ts.');
    const owner = new pg.Client({ connectionString: stack.env.DATABASE_URL!, options: '-c role=perdure_owner' });
    await owner.connect();
    try {
      for (const { dimensions, rows: numbers } of sizes) {
        for (const rows of numbers) {
          const corpus = await load(owner, dimensions, rows);
          await compare(results, owner, corpus, `${dimensions}.${rows}.`);
          progress(`measured ${rows} rows of ${dimensions} dimensions`);
        }
      }
    } finally {
      await owner.end();
    }
    results.note(
      `search_dense, depth 50, ef_search 200, one connection; ${rounds} rounds of up to 100 held-out queries after one that ` +
        `fills the caches. recall10 is the index's share of the 10 true nearest.`,
    );
  });
}

function load(owner: pg.Client, dimensions: number, rows: number): Promise<Corpus> {
  return loadCorpus(owner, {
    seed: rows,
    documents: rows / chunksPerDocument,
    chunksPerDocument,
    wordsPerChunk: 4,
    shape: { ...defaultShape, dimensions },
    queries: Math.min(100, rows / chunksPerDocument),
  });
}

async function compare(results: Results, owner: pg.Client, corpus: Corpus, name: string): Promise<void> {
  const byIndex = await measure(results, owner, corpus, { name, plan: 'index' });
  const { rows: indexes } = await owner.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_index i join pg_class c on c.oid = i.indexrelid
     join pg_am a on a.oid = c.relam where i.indrelid = $1::regclass and a.amname = 'hnsw'`,
    [corpus.partition],
  );
  for (const index of indexes) await owner.query(`drop index ${index.name}`);
  const byComparing = await measure(results, owner, corpus, { name, plan: 'exact' });
  const met = byComparing.map((keys, place) => keys.filter((key) => byIndex[place]!.includes(key)).length);
  const wanted = byComparing.reduce((sum, keys) => sum + keys.length, 0);
  results.record(`${name}recall10`, met.reduce((sum, count) => sum + count, 0) / wanted);
}

/** Asks all queries; the ten nearest of each. @throws Error where the product took another plan. */
async function measure(
  results: Results,
  owner: pg.Client,
  { workspaceId, modelId, queries }: Corpus,
  { name, plan }: { name: string; plan: Plan },
): Promise<string[][]> {
  const nearest: string[][] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const times = [];
    for (const { vector } of queries) {
      const literal = `[${vector.join(',')}]`;
      const started = performance.now();
      const { rows } = await owner.query<{ documents: string[]; indexes: number[]; plan: { plan: Plan } }>({
        name: 'dense',
        text: `select * from search_dense($1, null, null, null, $2, $3::vector, 'cosine', 50, 200)`,
        values: [workspaceId, modelId, literal],
      });
      times.push(performance.now() - started);
      const [answer] = rows;
      if (answer!.plan.plan !== plan) throw new Error(`${name}: the plan was ${JSON.stringify(answer!.plan)}.`);
      if (round === 0)
        nearest.push(answer!.documents.slice(0, 10).map((id, place) => `${id}/${answer!.indexes[place]}`));
    }
    if (round > 0) results.record(`${name}${plan}.p50_ms`, percentile(times, 0.5));
  }
  return nearest;
}
