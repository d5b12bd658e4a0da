import type pg from 'pg';
import type { ChunkTerms } from '../../domain/lexical/count-terms.ts';

/** A chunk to load: its text, and its terms as keys, frequencies and length. */
export interface LoadedChunk {
  document: string;
  index: number;
  content: string;
  terms: ChunkTerms;
}

/** What a query by hand knows: each term with its inverse document frequency, and how many chunks have it. */
export interface KnownTerm {
  key: number;
  factor: number;
  chunks: number;
}

/** One way to keep terms for BM25 in PostgreSQL. Its tables stand beside the product's and hold no foreign keys. */
export interface TermDesign {
  name: string;
  tables: readonly string[];
  create: readonly string[];
  insert(client: pg.Client, chunks: readonly LoadedChunk[]): Promise<void>;
  /** The best 50 chunks of at most `budget` candidates, where the design can choose them. */
  query(terms: readonly KnownTerm[], average: number, budget: number): { text: string; values: unknown[] };
}

const chunkColumns = 'document uuid, index integer, content text, length integer, primary key (document, index)';
const literal = (values: readonly (number | bigint | string)[]) => `{${values.join(',')}}`;
const isTerm = (terms: ChunkTerms, place: number) => place < terms.frequencies.length;

/** The chunks alone: what storing text costs in every design. */
export const textAlone: TermDesign = {
  name: 'text',
  tables: ['bench_text'],
  create: [`create table bench_text (${chunkColumns})`],
  insert: (client, chunks) => insertText(client, 'bench_text', chunks),
  query: () => ({ text: 'select 1', values: [] }),
};

/** One row for each term of each document, with its chunks and frequencies, under a btree; no choice of candidates. */
export const postings: TermDesign = {
  name: 'postings',
  tables: ['bench_postings_chunks', 'bench_postings'],
  create: [
    `create table bench_postings_chunks (${chunkColumns})`,
    `create table bench_postings (key bigint, document uuid, indexes smallint[], frequencies smallint[], lengths smallint[],
       primary key (key, document))`,
  ],
  async insert(client, chunks) {
    await insertText(client, 'bench_postings_chunks', chunks);
    const rows = new Map<string, { key: number; document: string; at: number[]; often: number[]; long: number[] }>();
    for (const { document, index, terms } of chunks) {
      for (const [place, key] of terms.keys.entries()) {
        if (!isTerm(terms, place)) break;
        const id = `${key}/${document}`;
        let row = rows.get(id);
        if (row === undefined) rows.set(id, (row = { key: Number(key), document, at: [], often: [], long: [] }));
        row.at.push(index);
        row.often.push(terms.frequencies[place]!);
        row.long.push(terms.length);
      }
    }
    const sorted = [...rows.values()].sort((a, b) => a.key - b.key);
    await client.query(
      `insert into bench_postings select key, document, a::smallint[], f::smallint[], l::smallint[]
       from unnest($1::bigint[], $2::uuid[], $3::text[], $4::text[], $5::text[]) as p (key, document, a, f, l)`,
      [
        sorted.map((row) => row.key),
        sorted.map((row) => row.document),
        sorted.map((row) => literal(row.at)),
        sorted.map((row) => literal(row.often)),
        sorted.map((row) => literal(row.long)),
      ],
    );
  },
  query: (terms, average) => ({
    text: `
      select p.document, u.index, sum(q.factor * u.frequency / (u.frequency + 1.5 * (0.25 + 0.75 * u.length / $3))) as score
      from unnest($1::bigint[], $2::float8[]) as q (key, factor)
      join bench_postings p using (key), unnest(p.indexes, p.frequencies, p.lengths) as u (index, frequency, length)
      group by 1, 2 order by 3 desc, 1, 2 limit 50`,
    values: [terms.map((term) => term.key), terms.map((term) => term.factor), average],
  }),
};

const dimensions = 1_000_000_000;
const dimension = (key: number) => (key % dimensions) + 1;

/** Frequencies as a sparse vector, read by its inner product with one term; candidates by GIN over the keys. */
export const sparse: TermDesign = {
  name: 'sparsevec',
  tables: ['bench_sparse'],
  create: [
    `create table bench_sparse (${chunkColumns.replace('length integer', 'length integer, keys bigint[], frequencies sparsevec')})
       with (toast_tuple_target = 8160)`,
    `alter table bench_sparse alter keys set storage external, alter frequencies set storage external`,
    `create index on bench_sparse using gin (keys)`,
  ],
  async insert(client, chunks) {
    await client.query(
      `insert into bench_sparse (document, index, content, length, keys, frequencies)
       select document, index, content, length, keys::bigint[], frequencies::sparsevec
       from unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[], $5::text[], $6::text[])
         as c (document, index, content, length, keys, frequencies)`,
      [
        chunks.map((chunk) => chunk.document),
        chunks.map((chunk) => chunk.index),
        chunks.map((chunk) => chunk.content),
        chunks.map((chunk) => chunk.terms.length),
        chunks.map((chunk) => literal(chunk.terms.keys)),
        chunks.map(({ terms }) => {
          const entries = new Map(
            terms.frequencies.map((frequency, place) => [dimension(Number(terms.keys[place])), frequency]),
          );
          const sorted = [...entries].sort(([a], [b]) => a - b);
          return `{${sorted.map(([place, frequency]) => `${place}:${frequency}`).join(',')}}/${dimensions}`;
        }),
      ],
    );
  },
  query(terms, average, budget) {
    const frequencies = terms.map(
      ({ key }, i) => `-(frequencies <#> '{${dimension(key)}:1}/${dimensions}'::sparsevec) as f${i}`,
    );
    const score = terms.map(({ factor }, i) => `${factor}::float8 * f${i} / (f${i} + saturation)`).join(' + ');
    return {
      text: `
        select document, index, ${score} as score from (
          select document, index, 1.5 * (0.25 + 0.75 * length / ${average}::float8) as saturation, ${frequencies.join(', ')}
          from bench_sparse where ${rareOrPaired(terms, budget)} offset 0) s
        order by score desc, document, index limit 50`,
      values: [],
    };
  },
};

/** Chunks with a rare term, then with two common ones, as long as the budget lasts. */
function rareOrPaired(terms: readonly KnownTerm[], budget: number): string {
  const total = 100_000;
  let rest = budget;
  const conditions: string[] = [];
  const common: KnownTerm[] = [];
  for (const term of [...terms].sort((a, b) => a.chunks - b.chunks)) {
    if (term.chunks > rest) {
      common.push(term);
      continue;
    }
    rest -= term.chunks;
    conditions.push(`keys && '{${term.key}}'::bigint[]`);
  }
  for (const [place, first] of common.entries()) {
    for (const second of common.slice(place + 1)) {
      const both = (first.chunks * second.chunks) / total;
      if (both > rest) continue;
      rest -= both;
      conditions.push(`keys @> '{${first.key},${second.key}}'::bigint[]`);
    }
  }
  return conditions.length > 0
    ? conditions.join(' or ')
    : `keys @> '{${terms.map(({ key }) => key).join(',')}}'::bigint[]`;
}

async function insertText(client: pg.Client, table: string, chunks: readonly LoadedChunk[]): Promise<void> {
  await client.query(
    `insert into ${table} (document, index, content, length)
     select * from unnest($1::uuid[], $2::integer[], $3::text[], $4::integer[])`,
    [
      chunks.map((chunk) => chunk.document),
      chunks.map((chunk) => chunk.index),
      chunks.map((chunk) => chunk.content),
      chunks.map((chunk) => chunk.terms.length),
    ],
  );
}
