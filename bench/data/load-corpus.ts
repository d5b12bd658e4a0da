import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { termCounter } from '../../domain/lexical/count-terms.ts';
import { binaryArray, binaryVector } from '../../entities/documents/binary-array.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import { ClusteredVectors } from './clustered-vectors.ts';
import type { ClusterShape } from './clustered-vectors.ts';
import { seededRandom } from './seeded-random.ts';
import { ZipfText } from './zipf-text.ts';

/** Shares of the documents that belong to a source of their own, drawn at random; a filter's selectivity is its share. */
export const sourceShares = [0.5, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001];

/** What is generated; the same seed gives the same rows but for their ids. */
export interface CorpusPlan {
  seed: number;
  documents: number;
  chunksPerDocument: number;
  wordsPerChunk: number;
  shape: ClusterShape;
  /** Held-out queries: vectors and questions drawn like the chunks, and not stored. */
  queries: number;
}

/** Where the rows went, and the queries to ask of them. */
export interface Corpus {
  workspaceId: string;
  modelId: string;
  partition: string;
  /** The source for each of `sourceShares`, and the one that has the rest. */
  sources: { share: number; id: string }[];
  /** A source whose documents are all of two topics, far from most queries. */
  topicalSource: string;
  /** Condition on a row of the partition that it is in the index; those that come later are not. */
  indexed: string;
  queries: { vector: Float32Array; question: string }[];
}

/**
 * Makes a workspace with an embedding model and documents in their final state. `owner` is a connection in the role
 * perdure_owner. `metadata.part` of a document is one of 1,000 values, spread evenly. The
 * vector and full-text indexes are made after the rows, which is about five times as fast.
 */
export async function loadCorpus(
  owner: pg.Client,
  plan: CorpusPlan,
  report: (line: string) => void = () => {},
): Promise<Corpus> {
  const corpus = await createWorkspace(owner, plan);
  const definitions = await dropIndexes(owner, ['chunk_terms_keys_idx']);
  const vectors = new ClusteredVectors(plan.seed, plan.shape);
  const text = new ZipfText(plan.seed + 1);
  const random = seededRandom(plan.seed + 2);
  const held = Array.from({ length: plan.documents }, (_, index) => index).filter(
    (index) => index % Math.max(1, Math.floor(plan.documents / plan.queries)) === 0,
  );
  const queryOf = new Set(held.slice(0, plan.queries));
  const perBatch = Math.max(1, Math.floor(1000 / plan.chunksPerDocument));
  for (let first = 0; first < plan.documents; first += perBatch) {
    const batch = new Batch(corpus, plan.chunksPerDocument);
    for (let index = first; index < Math.min(first + perBatch, plan.documents); index++) {
      const { topic, centre } = vectors.document();
      const chunks = Array.from({ length: plan.chunksPerDocument }, () => ({
        vector: vectors.chunk(centre),
        content: text.passage(topic, plan.wordsPerChunk),
      }));
      // 7919 is prime, so parts are spread evenly and have nothing to do with sources and topics.
      batch.add(`Document ${index}`, pickSource(corpus, random.uniform(), topic), (index * 7919) % 1000, chunks);
      if (queryOf.has(index)) {
        corpus.queries.push({ vector: vectors.chunk(centre), question: text.question(topic) });
      }
    }
    await batch.insert(owner);
    if ((first / perBatch) % 20 === 0) report(`loaded ${first * plan.chunksPerDocument} chunks`);
  }
  report('counting terms');
  await owner.query(
    `select count_generation_terms(workspace_id, document_id, generation, 1) from document_generations
     where workspace_id = $1`,
    [corpus.workspaceId],
  );
  await owner.query('select fold_term_statistics($1)', [plan.documents]);
  report('indexing');
  for (const definition of definitions) await owner.query(definition);
  // As the product builds it: what comes later is not in it.
  const { rows } = await owner.query<{ next: string }>(
    `select last_value + 1 as next from chunk_embeddings_ordinal_seq`,
  );
  corpus.indexed = `ordinal < '${rows[0]!.next}'::bigint`;
  await owner.query(
    `create index "${corpus.partition}_cos_s0" on ${corpus.partition} ${hnswOf(plan.shape.dimensions)}
     where ${corpus.indexed}`,
  );
  for (const table of [
    'documents',
    'document_generations',
    'document_chunks',
    'chunk_terms',
    'term_statistics',
    corpus.partition,
  ]) {
    await owner.query(`vacuum (analyze) ${table}`);
  }
  return corpus;
}

/** The index method of the product's default index, for vectors of so many dimensions. */
export const hnswOf = (dimensions: number): string =>
  `using hnsw ((embedding::vector(${dimensions})) vector_cosine_ops) with (m = 16, ef_construction = 64)`;

async function createWorkspace(owner: pg.Client, plan: CorpusPlan): Promise<Corpus> {
  const workspaceId = randomUUID();
  const modelId = randomUUID();
  await owner.query(`insert into workspaces (id, name) values ($1, $2)`, [workspaceId, `bench ${workspaceId}`]);
  await owner.query(
    `insert into models (id, workspace_id, name, kind, provider, model_id, dimensions)
     values ($1, $2, 'synthetic', 'embedding', 'synthetic', 'synthetic', $3)`,
    [modelId, workspaceId, plan.shape.dimensions],
  );
  const { rows } = await owner.query<{ partition: string }>(`select register_embedding_model($1) as partition`, [
    modelId,
  ]);
  const names = [...sourceShares.map((share) => `share ${share}`), 'topical', 'rest'];
  const ids = names.map(() => randomUUID());
  await owner.query(
    `insert into knowledge_sources (id, workspace_id, name, type)
     select id, $1, name, 'upload' from unnest($2::uuid[], $3::text[]) as s (id, name)`,
    [workspaceId, ids, names],
  );
  return {
    workspaceId,
    modelId,
    partition: rows[0]!.partition,
    sources: [
      ...sourceShares.map((share, i) => ({ share, id: ids[i]! })),
      { share: 1 - sourceShares.reduce((sum, share) => sum + share, 0), id: ids.at(-1)! },
    ],
    topicalSource: ids.at(-2)!,
    indexed: 'true',
    queries: [],
  };
}

function pickSource(corpus: Corpus, draw: number, topic: number): string {
  let sum = 0;
  for (const { share, id } of corpus.sources.slice(0, -1)) {
    sum += share;
    if (draw < sum) return id;
  }
  return topic < 2 ? corpus.topicalSource : corpus.sources.at(-1)!.id;
}

async function dropIndexes(owner: pg.Client, names: string[]): Promise<string[]> {
  const { rows } = await owner.query<{ definition: string }>(
    `select pg_get_indexdef(c.oid) as definition from unnest($1::text[]) as n (name) join pg_class c on c.relname = n.name`,
    [names],
  );
  for (const name of names) await owner.query(`drop index ${name}`);
  return rows.map((row) => row.definition);
}

class Batch {
  readonly #corpus: Corpus;
  readonly #perDocument: number;
  readonly #documents: { id: string; title: string; source: string; part: number }[] = [];
  readonly #chunks: { document: string; index: number; content: string; vector: Float32Array }[] = [];

  constructor(corpus: Corpus, perDocument: number) {
    this.#corpus = corpus;
    this.#perDocument = perDocument;
  }

  add(title: string, source: string, part: number, chunks: { vector: Float32Array; content: string }[]): void {
    const id = randomUUID();
    this.#documents.push({ id, title, source, part });
    chunks.forEach(({ vector, content }, index) => this.#chunks.push({ document: id, index, content, vector }));
  }

  async insert(owner: pg.Client): Promise<void> {
    const { workspaceId, modelId, partition } = this.#corpus;
    const ids = this.#documents.map((document) => document.id);
    await owner.query('begin');
    await owner.query(
      `insert into documents (id, workspace_id, knowledge_source_id, title, document_type, is_global, status,
                              latest_generation, active_generation, metadata)
       select id, $1, source, title, 'text', true, 'ready', 1, 1, jsonb_build_object('part', part)
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::integer[]) as d (id, source, title, part)`,
      [
        workspaceId,
        ids,
        this.#documents.map((d) => d.source),
        this.#documents.map((d) => d.title),
        this.#documents.map((d) => d.part),
      ],
    );
    await owner.query(
      `insert into document_generations (workspace_id, document_id, generation, state, stage, workflow_id, mime_type,
                                         byte_size, content_hash, chunk_size, chunk_overlap, expected_chunks,
                                         embedded_chunks, language)
       select $1, id, 1, 'active', 'done', 'bench', 'text/plain', 0, '', 200, 0, $3, $3, 'en' from unnest($2::uuid[]) as d (id)`,
      [workspaceId, ids, this.#perDocument],
    );
    const type = await owner.query<{ id: number }>(`select 'vector'::regtype::oid::integer as id`);
    const vectors = this.#chunks.map((chunk) => binaryVector(chunk.vector));
    const documents = this.#chunks.map((chunk) => chunk.document);
    const indexes = this.#chunks.map((chunk) => chunk.index);
    await owner.query(
      `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count)
       select $1, document, 1, i, content, 0, length(content), 1
       from unnest($2::uuid[], $3::int[], $4::text[]) as c (document, i, content)`,
      [workspaceId, documents, indexes, this.#chunks.map((chunk) => chunk.content)],
    );
    const count = termCounter(workspaceId);
    const terms = this.#chunks.map(({ content }) => count([{ terms: textAnalyzer.analyze(content, 'en'), weight: 1 }]));
    await owner.query(
      `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
       select $1, document, 1, i, length, keys::bigint[], frequencies::smallint[]
       from unnest($2::uuid[], $3::int[], $4::int[], $5::text[], $6::text[]) as c (document, i, length, keys, frequencies)`,
      [
        workspaceId,
        documents,
        indexes,
        terms.map(({ length }) => length),
        terms.map(({ keys }) => `{${keys.join(',')}}`),
        terms.map(({ frequencies }) => `{${frequencies.join(',')}}`),
      ],
    );
    await owner.query(
      `insert into ${partition} (model_id, workspace_id, document_id, generation, chunk_index, embedding)
       select $1, $2, document, 1, i, embedding from unnest($3::uuid[], $4::int[], $5::vector[]) as e (document, i, embedding)`,
      [modelId, workspaceId, documents, indexes, binaryArray(type.rows[0]!.id, vectors)],
    );
    await owner.query('commit');
  }
}
