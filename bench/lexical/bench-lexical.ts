import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { termCounter } from '../../domain/lexical/count-terms.ts';
import { queryTerms } from '../../domain/lexical/query-terms.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { ZipfText } from '../data/zipf-text.ts';
import { withBenchStack } from '../harness/bench-stack.ts';
import { progress } from '../harness/progress.ts';
import type { Results } from '../harness/results.ts';
import { percentile } from '../harness/statistics.ts';
import { bestChunks, insertIndexed, insertPublished } from './product-index.ts';
import { postings, sparse, textAlone } from './term-design.ts';
import type { KnownTerm, LoadedChunk, TermDesign } from './term-design.ts';

const chunkCount = Number(process.env.PERDURE_BENCH_CHUNKS ?? 100_000);
const chunksPerDocument = 10;
const wordsPerChunk = 120;
const topics = 200;
const batchSize = 1000;
const budget = 5000;
const workspaceId = randomUUID();

/**
 * Full text search at 100,000 chunks: what loading, deleting and asking cost in three designs, and how much of the best ten
 * is lost because only so many candidates are looked at.
 */
export function benchLexical(results: Results): Promise<void> {
  return withBenchStack({ processes: ['postgres', 'temporal'] }, async (stack) => {
    const code = await stack.runScript('scripts/db/upgrade.ts', [], () => {});
    if (code !== 0) throw new Error('The migrations failed: see the log of scripts/db/upgrade.ts.');
    const owner = new pg.Client({ connectionString: stack.env.DATABASE_URL!, options: '-c role=perdure_owner' });
    await owner.connect();
    await owner.query('set jit = off');
    await owner.query(`insert into workspaces (id, name) values ($1, 'bench')`, [workspaceId]);
    measureAnalysis(results);
    await measureProduct(results, owner);
    const queries = await makeQueries(owner);
    await measureSearch(results, owner, queries);
    await measureDeletion(results, owner);
    for (const design of [textAlone, sparse, postings]) await measureDesign(results, owner, design, queries);
    await owner.end();
    results.note(
      `${chunkCount} chunks of ${wordsPerChunk} words, ${chunksPerDocument} a document, words after Zipf's law; batches of ${batchSize} chunks a transaction; at most ${budget} candidates.`,
    );
  });
}

/** The chunks, the same in every pass. */
function* chunks(): Generator<LoadedChunk[]> {
  const text = new ZipfText(7);
  const count = termCounter(workspaceId);
  let document = '';
  for (let first = 0; first < chunkCount; first += batchSize) {
    yield Array.from({ length: batchSize }, (_, place) => {
      const index = (first + place) % chunksPerDocument;
      if (index === 0) document = randomUUID();
      const content = text.passage(Math.floor((first + place) / chunksPerDocument) % topics, wordsPerChunk);
      return { document, index, content, terms: count([{ terms: textAnalyzer.analyze(content, 'en'), weight: 1 }]) };
    });
  }
}

function measureAnalysis(results: Results): void {
  const text = new ZipfText(11);
  const count = termCounter(workspaceId);
  const passages = Array.from({ length: 3000 }, (_, index) => text.passage(index % topics, wordsPerChunk));
  const started = performance.now();
  for (const passage of passages) count([{ terms: textAnalyzer.analyze(passage, 'en'), weight: 1 }]);
  results.record('analysis.ms_per_chunk', (performance.now() - started) / passages.length);
}

async function load(client: pg.Client, insert: (batch: LoadedChunk[]) => Promise<number>): Promise<number> {
  let spent = 0;
  let loaded = 0;
  for (const batch of chunks()) {
    await client.query('begin');
    spent += await insert(batch);
    const started = performance.now();
    await client.query('commit');
    spent += performance.now() - started;
    loaded += batch.length;
    if (loaded % 20_000 === 0) progress(`loaded ${loaded} chunks`);
  }
  return spent / chunkCount;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

async function megabytes(client: pg.Client, tables: readonly string[]): Promise<number> {
  const { rows } = await client.query<{ size: number }>(
    `select sum(pg_total_relation_size(t::regclass))::float8 / 1e6 as size from unnest($1::text[]) as t`,
    [tables],
  );
  return rows[0]!.size;
}

async function measureProduct(results: Results, owner: pg.Client): Promise<void> {
  progress('arrays (the product)');
  const perChunk = await load(owner, async (batch) => {
    await insertPublished(owner, workspaceId, batch);
    return timed(() => insertIndexed(owner, workspaceId, batch));
  });
  results.record('arrays.load_ms_per_chunk', perChunk);
  progress(`arrays: ${perChunk.toFixed(3)} ms a chunk`);
  const counting = await timed(() =>
    owner.query(`select count_generation_terms($1, document_id, 1, 1) from document_generations`, [workspaceId]),
  );
  results.record('arrays.count_ms_per_document', counting / (chunkCount / chunksPerDocument));
  let folds = 0;
  results.record(
    'arrays.fold_ms_per_document',
    (await timed(async () => {
      while ((await owner.query<{ n: number }>('select fold_term_statistics(1000) as n')).rows[0]!.n > 0) folds += 1;
    })) / Math.max(1, folds * 1000),
  );
  for (const table of ['documents', 'document_generations', 'document_chunks', 'chunk_terms', 'term_statistics']) {
    await owner.query(`vacuum (analyze) ${table}`);
  }
  results.record('arrays.mb', await megabytes(owner, ['document_chunks', 'chunk_terms', 'term_statistics']));
}

type Query = { kind: string; keys: number[]; weights: number[]; known: KnownTerm[] };

/** Questions of rare words, of rare and common ones, of common ones, and of a single common one. */
async function makeQueries(owner: pg.Client): Promise<Query[]> {
  const text = new ZipfText(99);
  const common = new ZipfText(7).commonest(60);
  const questions: { kind: string; words: string }[] = [];
  for (let index = 0; index < 60; index += 1) {
    const question = text.question((index * 3) % topics);
    questions.push({ kind: 'mixed', words: question });
    questions.push({ kind: 'rare', words: question.split(' ').slice(4).join(' ') });
    questions.push({
      kind: 'common',
      words: [0, 13, 26, 39].map((step) => common[(index * 7 + step) % 60]!).join(' '),
    });
    questions.push({ kind: 'one_common', words: common[index]! });
  }
  const queries: Query[] = [];
  for (const { kind, words } of questions) {
    const { keys, weights } = queryTerms(workspaceId, [textAnalyzer.analyze(words, 'en')]);
    const { rows } = await owner.query<{ terms: string[]; factors: number[]; frequencies: number[] }>(
      'select * from lexical_query($1, $2, $3)',
      [workspaceId, keys, weights],
    );
    const { terms, factors, frequencies } = rows[0]!;
    const known = terms.map((key, i) => ({ key: Number(key), factor: factors[i]!, chunks: frequencies[i]! }));
    queries.push({ kind, keys, weights, known });
  }
  return queries;
}

const kinds = ['rare', 'mixed', 'common', 'one_common'];

async function measureDesign(
  results: Results,
  owner: pg.Client,
  design: TermDesign,
  queries: readonly Query[],
): Promise<void> {
  progress(design.name);
  for (const statement of design.create) await owner.query(statement);
  const perChunk = await load(owner, (batch) => timed(() => design.insert(owner, batch)));
  results.record(`${design.name}.load_ms_per_chunk`, perChunk);
  progress(`${design.name}: ${perChunk.toFixed(3)} ms a chunk`);
  for (const table of design.tables) await owner.query(`vacuum (analyze) ${table}`);
  results.record(`${design.name}.mb`, await megabytes(owner, design.tables));
  if (design !== textAlone) {
    await owner.query('set enable_seqscan = off');
    for (const kind of kinds) {
      const times: number[] = [];
      for (const query of queries.filter((each) => each.kind === kind)) {
        const statement = design.query(query.known, wordsPerChunk, budget);
        times.push(await timed(() => owner.query(statement)));
      }
      results.record(`${design.name}.${kind}.p50_ms`, percentile(times, 0.5));
      results.record(`${design.name}.${kind}.p95_ms`, percentile(times, 0.95));
    }
    await owner.query('reset enable_seqscan');
  }
  await owner.query(`drop table ${design.tables.join(', ')}`);
}

async function measureSearch(results: Results, owner: pg.Client, queries: readonly Query[]): Promise<void> {
  progress('search_lexical');
  for (const kind of kinds) {
    const times: number[] = [];
    const whole: number[] = [];
    let found = 0;
    let wanted = 0;
    for (const query of queries.filter((each) => each.kind === kind)) {
      let truth: Awaited<ReturnType<typeof bestChunks>> = [];
      let hits: Awaited<ReturnType<typeof bestChunks>> = [];
      whole.push(await timed(async () => (truth = await bestChunks(owner, workspaceId, query, 'all'))));
      times.push(await timed(async () => (hits = await bestChunks(owner, workspaceId, query, budget))));
      const ten = Math.min(10, truth.length);
      wanted += ten;
      // Of chunks with equal scores any is as good.
      found += hits.slice(0, ten).filter((hit) => hit.score >= truth[ten - 1]!.score - 1e-9).length;
    }
    results.record(`arrays.${kind}.p50_ms`, percentile(times, 0.5));
    results.record(`arrays.${kind}.p95_ms`, percentile(times, 0.95));
    results.record(`arrays.${kind}.recall10`, found / wanted);
    results.record(`whole.${kind}.p50_ms`, percentile(whole, 0.5));
    progress(`${kind}: ${percentile(times, 0.5).toFixed(1)} ms, recall ${(found / wanted).toFixed(3)}`);
  }
}

async function measureDeletion(results: Results, owner: pg.Client): Promise<void> {
  const deleted = await timed(() =>
    owner.query(
      `delete from document_chunks where document_id in (select id from documents where workspace_id = $1 limit 100)`,
      [workspaceId],
    ),
  );
  results.record('arrays.delete_ms_per_chunk', deleted / (100 * chunksPerDocument));
  results.record('arrays.vacuum_ms', await timed(() => owner.query('vacuum chunk_terms')));
}
