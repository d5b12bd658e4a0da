import { createHash, randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import { createProviders } from '../../providers/registry.ts';
import type { Stack } from '../../scripts/supervisor/stack.ts';
import { defaultShape } from '../data/clustered-vectors.ts';
import { loadCorpus } from '../data/load-corpus.ts';
import type { Corpus } from '../data/load-corpus.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { startChild } from '../harness/start-child.ts';
import type { Child } from '../harness/start-child.ts';
import { percentile } from '../harness/statistics.ts';
import { queryTerms } from '../../domain/lexical/query-terms.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { exactDense, rawDense, rawHybrid, rawWords } from './raw-search.ts';
import type { RawWords } from './raw-search.ts';
import { SearchClient } from './search-client.ts';
import type { Found } from './search-client.ts';
import type { StoredQuery } from './serve-search.ts';

const chunks = Number(process.env.PERDURE_BENCH_CHUNKS ?? 100_000);
const rounds = 5;
const apiKey = 'pk_bench';

/** `/search` at 100,000 chunks against the same search in plain SQL, and its recall at every selectivity. */
export function benchSearch(results: Results): Promise<void> {
  return withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const code = await stack.runScript('scripts/db/upgrade.ts', [], () => {});
    if (code !== 0) throw new Error('The migrations failed: see the log of scripts/db/upgrade.ts.');
    const owner = await connect(stack, 'perdure_owner');
    const corpus = await loadCorpus(
      owner,
      { seed: 1, documents: chunks / 10, chunksPerDocument: 10, wordsPerChunk: 120, shape: defaultShape, queries: 200 },
      progress,
    );
    await addKeyAndTool(owner, corpus);
    const server = await serve(stack, corpus);
    try {
      const client = new SearchClient(server.ready.port, apiKey);
      await measureLatency(results, corpus, owner, client);
      await measureRecall(results, corpus, owner, client);
      await measureEmbedding(results, stack, corpus);
    } finally {
      server.stop();
      await owner.end();
    }
    results.note(
      `${chunks} chunks of ${defaultShape.dimensions} dimensions in ${chunks / 10} documents; ${corpus.queries.length} held-out queries a round, one after the other; top 10.`,
    );
  });
}

async function connect(stack: Stack, role: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: stack.env.DATABASE_URL!, options: `-c role=${role}` });
  await client.connect();
  return client;
}

async function addKeyAndTool(owner: pg.Client, corpus: Corpus): Promise<void> {
  await owner.query(
    `insert into api_keys (id, workspace_id, name, prefix, key_hash, role) values ($1, $2, 'bench', 'pk_bench', $3, 'admin')`,
    [randomUUID(), corpus.workspaceId, createHash('sha256').update(apiKey).digest()],
  );
  await owner.query(
    `insert into rag_tools (id, workspace_id, name, embedding_model_id, top_k) values ($1, $2, 'documents', $3, 10)`,
    [randomUUID(), corpus.workspaceId, corpus.modelId],
  );
}

async function serve(stack: Stack, corpus: Corpus): Promise<Child<{ port: number }>> {
  const file = path.join(stack.home, 'queries.json');
  const stored: StoredQuery[] = corpus.queries.map(({ question, vector }) => ({ question, vector: [...vector] }));
  await writeFile(file, JSON.stringify(stored));
  return startChild('search/serve-search.ts', [file], stack.env);
}

/** Every way once for each query, and a different one first each time: the first to ask reads the rows into the caches. */
async function measureLatency(results: Results, corpus: Corpus, owner: pg.Client, client: SearchClient): Promise<void> {
  const words = new Map<string, RawWords>();
  for (const { question } of corpus.queries) words.set(question, await rawWords(owner, corpus, question));
  await owner.query('set hnsw.ef_search = 200');
  const call = (strategy: string) => (question: string, vector: string) => {
    const terms = queryTerms(corpus.workspaceId, [textAnalyzer.analyze(question, 'en')]);
    return owner.query({
      name: 'function',
      text: `select hybrid_search($1, null, null, null, $2, $3, $4, $5, $6, 'cosine', 50, 200)`,
      values: [corpus.workspaceId, corpus.modelId, vector, terms.keys, terms.weights, strategy],
    });
  };
  const ways: Record<string, (question: string, vector: string) => Promise<unknown>> = {
    '': (query) => client.search({ query }),
    'raw.': (question, vector) => {
      const { rare, terms, factors, average } = words.get(question)!;
      return owner.query({ name: 'hybrid', text: rawHybrid(corpus), values: [vector, rare, terms, factors, average] });
    },
    'function.': call('hybrid'),
    'vector.': (query) => client.search({ query, strategy: 'vector' }),
    'raw_vector.': (_, vector) => owner.query({ name: 'dense', text: rawDense(corpus), values: [vector] }),
    'function_vector.': call('vector'),
    'text.': (query) => client.search({ query, strategy: 'text' }),
  };
  for (let round = 0; round <= rounds; round++) {
    const times = new Map(Object.keys(ways).map((way) => [way, [] as number[]]));
    for (const [index, { question, vector }] of corpus.queries.entries()) {
      const literal = `[${vector.join(',')}]`;
      const order = Object.entries(ways);
      for (const [way, ask] of [...order.slice(index % order.length), ...order.slice(0, index % order.length)]) {
        const started = performance.now();
        await ask(question, literal);
        times.get(way)!.push(performance.now() - started);
      }
    }
    progress(round === 0 ? 'warmed up' : `measured round ${round} of ${rounds}`);
    // The first round fills the caches.
    if (round === 0) continue;
    for (const [way, values] of times) {
      results.record(`${way}p50_ms`, percentile(values, 0.5));
      results.record(`${way}p95_ms`, percentile(values, 0.95));
    }
    const p50 = (way: string) => percentile(times.get(way)!, 0.5);
    results.record('added.p50_ms', p50('') - p50('raw.'));
    results.record('added_vector.p50_ms', p50('vector.') - p50('raw_vector.'));
  }
}

async function measureRecall(results: Results, corpus: Corpus, owner: pg.Client, client: SearchClient): Promise<void> {
  const key = (hit: Found) => `${hit.document_id}/${hit.chunk_index}`;
  const percent = (share: number) => Number((share * 100).toFixed(1));
  const filters: { name: string; source: string | null; parts: number | null; filters: Record<string, unknown> }[] = [
    { name: '', source: null, parts: null, filters: {} },
    ...corpus.sources.map(({ share, id }) => ofSource(`filter_${percent(share)}_percent.`, id)),
    ofSource('filter_two_topics.', corpus.topicalSource),
    ...[1, 10, 100, 500].map((parts) => ({
      name: `metadata_${percent(parts / 1000)}_percent.`,
      source: null,
      parts,
      filters: { 'metadata.part': { lt: parts } },
    })),
  ];
  let missing = 0;
  for (const { name, source, parts, filters: asked } of filters) {
    const queries = name === '' ? corpus.queries : corpus.queries.slice(0, 50);
    const times = [];
    let found = 0;
    let wanted = 0;
    let exact = 0;
    for (const { question, vector } of queries) {
      const truth = await owner.query<Found>(exactDense(corpus), [`[${vector.join(',')}]`, source, parts]);
      const started = performance.now();
      const answer = await client.search({ query: question, strategy: 'vector', filters: asked });
      times.push(performance.now() - started);
      const keys = new Set(answer.hits.map(key));
      found += truth.rows.filter((row) => keys.has(key(row))).length;
      wanted += truth.rows.length;
      missing += truth.rows.length - answer.hits.length;
      if (answer.plan?.vector?.plan === 'exact') exact += 1;
    }
    results.record(`${name}recall10`, found / wanted);
    if (name !== '') results.record(`${name}p50_ms`, percentile(times, 0.5));
    results.record(`${name}exact_plans`, exact / queries.length);
    progress(`${name}recall10 ${(found / wanted).toFixed(4)}`);
  }
  results.record('missing_rows', missing);
}

function ofSource(name: string, source: string) {
  return { name, source, parts: null, filters: { knowledge_source: source } };
}

/** What a real query's embedding adds, which is in none of the times above. */
async function measureEmbedding(results: Results, stack: Stack, corpus: Corpus): Promise<void> {
  const providers = createProviders({ modelDirectory: path.join(stack.home, 'models', 'all-MiniLM-L6-v2') });
  const model = providers.embeddingModel({
    provider: 'local',
    modelId: 'all-MiniLM-L6-v2',
    endpoint: null,
    apiKey: null,
    capabilities: {},
  });
  try {
    const times = [];
    for (const { question } of corpus.queries.slice(0, 60)) {
      const started = performance.now();
      await model.embed([question], { priority: 'query' });
      times.push(performance.now() - started);
    }
    results.record('embed.p50_ms', percentile(times.slice(10), 0.5));
  } finally {
    await providers.close();
  }
}
