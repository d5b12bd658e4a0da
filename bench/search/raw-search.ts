import type pg from 'pg';
import type { Corpus } from '../data/load-corpus.ts';

/** The words of a question that a search by hand would look up: the rare ones, found before the clock starts. */
export async function rareWords(client: pg.Client, question: string): Promise<string> {
  const { rows } = await client.query<{ word: string; frequency: number | null }>(
    `select l.word, s.frequency from unnest(tsvector_to_array(to_tsvector('english', $1))) as l (word)
     left join (select unnest(most_common_elems::text::text[]) as word, unnest(most_common_elem_freqs) as frequency
                from pg_stats where tablename = 'document_chunks' and attname = 'search_vector') s using (word)
     order by s.frequency nulls first`,
    [question],
  );
  const rare = rows.filter(({ frequency }) => frequency === null || frequency < 0.01);
  return (rare.length > 0 ? rare : rows.slice(0, 1)).map(({ word }) => `'${word}'`).join(' | ');
}

/** One prepared statement of plain SQL as a specialist would write it for this one table; $1 vector, $2 words. */
export function rawHybrid(corpus: Corpus): string {
  const dimensions = corpus.queries[0]!.vector.length;
  return `
    with dense as (
      select document_id, generation, chunk_index, row_number() over (order by distance) as rank
      from (select e.document_id, e.generation, e.chunk_index,
                   e.embedding::vector(${dimensions}) <=> $1::vector(${dimensions}) as distance
            from ${corpus.partition} e join documents d on d.id = e.document_id and d.active_generation = e.generation
            where d.workspace_id = '${corpus.workspaceId}' and d.deleted_at is null and d.is_global
            order by e.embedding::vector(${dimensions}) <=> $1::vector(${dimensions}) limit 50) n),
    words as (
      select document_id, generation, chunk_index, row_number() over (order by score desc) as rank
      from (select document_id, generation, chunk_index, ts_rank(search_vector, $2::tsquery, 1) as score
            from (select e.document_id, e.generation, e.chunk_index, e.search_vector
                  from document_chunks e join documents d on d.id = e.document_id and d.active_generation = e.generation
                  where e.workspace_id = '${corpus.workspaceId}' and e.search_vector @@ $2::tsquery
                    and d.deleted_at is null and d.is_global limit 500) c
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
          where d.workspace_id = '${corpus.workspaceId}' and d.deleted_at is null and d.is_global
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
