import type pg from 'pg';
import { queryTerms } from '../../domain/lexical/query-terms.ts';
import { textAnalyzer } from '../../providers/lexical/text-analyzer.ts';
import type { Corpus } from '../data/load-corpus.ts';

/** What a search by hand would look up and how much each word brings, found before the clock starts. */
export interface RawWords {
  /** The rare terms, which pick the candidates. */
  rare: string[];
  terms: string[];
  factors: number[];
  average: number;
}

/** Looks the words of a question up in the statistics; a term of less than one chunk in a hundred is rare. */
export async function rawWords(client: pg.Client, corpus: Corpus, question: string): Promise<RawWords> {
  const { keys, weights } = queryTerms(corpus.workspaceId, [textAnalyzer.analyze(question, 'en')]);
  const { rows } = await client.query<RawWords & { total: number; frequencies: number[] }>(
    `select total, average, terms, factors, frequencies from lexical_query($1, $2, $3)`,
    [corpus.workspaceId, keys, weights],
  );
  const { total, average, terms, factors, frequencies } = rows[0]!;
  const rare = terms.filter((_, index) => frequencies[index]! < total / 100);
  return { rare: rare.length > 0 ? rare : terms.slice(0, 1), terms, factors, average };
}

/**
 * One prepared statement of plain SQL as a specialist would write it for these tables; $1 vector, $2 rare terms, $3 terms,
 * $4 what each brings, $5 the average length.
 */
export function rawHybrid(corpus: Corpus): string {
  const dimensions = corpus.queries[0]!.vector.length;
  return `
    with dense as (
      select document_id, generation, chunk_index, row_number() over (order by distance) as rank
      from (select e.document_id, e.generation, e.chunk_index,
                   e.embedding::vector(${dimensions}) <=> $1::vector(${dimensions}) as distance
            from ${corpus.partition} e join documents d on d.id = e.document_id and d.active_generation = e.generation
            where d.workspace_id = '${corpus.workspaceId}' and d.deleted_at is null and d.is_global and ${corpus.indexed}
            order by e.embedding::vector(${dimensions}) <=> $1::vector(${dimensions}) limit 50) n),
    words as (
      select document_id, generation, chunk_index, row_number() over (order by score desc) as rank
      from (select c.document_id, c.generation, c.chunk_index,
                   sum(q.factor * c.frequencies[p.place]
                       / (c.frequencies[p.place] + 1.5 * (0.25 + 0.75 * c.length / $5::float8))) as score
            from (select t.document_id, t.generation, t.chunk_index, t.length, t.keys, t.frequencies
                  from chunk_terms t join documents d on d.id = t.document_id and d.active_generation = t.generation
                  where t.keys && $2::bigint[] and d.deleted_at is null and d.is_global limit 5000) c
            cross join unnest($3::bigint[], $4::float8[]) as q (term, factor)
            cross join lateral (select width_bucket(q.term, c.keys) as place) p
            where c.keys[p.place] = q.term
            group by c.document_id, c.generation, c.chunk_index
            order by score desc limit 50) r),
    fused as (
      select document_id, generation, chunk_index,
             coalesce(1.0 / (60 + dense.rank), 0) + coalesce(1.0 / (60 + words.rank), 0) as score
      from dense full join words using (document_id, generation, chunk_index) order by score desc limit 10)
    select f.*, d.title, d.source_url, c.content, c.start_char, c.end_char
    from fused f join documents d on d.id = f.document_id
    join document_chunks c on c.workspace_id = '${corpus.workspaceId}' and c.document_id = f.document_id
      and c.generation = f.generation and c.chunk_index = f.chunk_index
    order by f.score desc`;
}

/** The nearest vectors alone, with the same filter; $1 vector. */
export function rawDense(corpus: Corpus): string {
  const dimensions = corpus.queries[0]!.vector.length;
  return `
    select e.document_id, e.chunk_index, d.title, d.source_url, c.content, c.start_char, c.end_char
    from (select e.document_id, e.generation, e.chunk_index
          from ${corpus.partition} e join documents d on d.id = e.document_id and d.active_generation = e.generation
          where d.workspace_id = '${corpus.workspaceId}' and d.deleted_at is null and d.is_global and ${corpus.indexed}
          order by e.embedding::vector(${dimensions}) <=> $1::vector(${dimensions}) limit 10) e
    join documents d on d.id = e.document_id
    join document_chunks c on c.workspace_id = '${corpus.workspaceId}' and c.document_id = e.document_id
      and c.generation = e.generation and c.chunk_index = e.chunk_index`;
}

/** The true nearest, by comparing with every vector that passes the filter; $1 vector, $2 source, $3 parts, or null. */
export function exactDense(corpus: Corpus): string {
  return `
    select e.document_id, e.chunk_index
    from ${corpus.partition} e join documents d on d.id = e.document_id and d.active_generation = e.generation
    where d.deleted_at is null and d.is_global and ($2::uuid is null or d.knowledge_source_id = $2)
      and ($3::integer is null or (d.metadata ->> 'part')::integer < $3)
    order by (e.embedding <=> $1::vector) + 0 limit 10`;
}
