import { query } from '../../entities/sql.ts';
import type { Check } from './breach.ts';
import { counted } from './counted.ts';

/**
 * Invariant 9: what full text search computes with is what the active generations hold: each of their chunks is indexed,
 * and statistics, folded and not folded, count exactly these chunks. Generations without a language are still to be indexed.
 */
export const checkLexicon: Check = async ({ em }) => {
  const unindexed = await query<{ document_id: string; generation: number; chunks: number; indexed: number }>(
    em,
    `select g.document_id, g.generation, count(c.chunk_index)::int as chunks, count(t.chunk_index)::int as indexed
     from document_generations g
     join document_chunks c on c.workspace_id = g.workspace_id and c.document_id = g.document_id
       and c.generation = g.generation
     left join chunk_terms t on t.workspace_id = c.workspace_id and t.document_id = c.document_id
       and t.generation = c.generation and t.chunk_index = c.chunk_index
     where g.state = 'active' and g.language is not null
     group by g.document_id, g.generation having count(c.chunk_index) <> count(t.chunk_index)`,
  );
  const collections = await query<{ id: string; counted: string; held: string }>(
    em,
    `with counted as (
       select workspace_id, sum(documents) as documents, sum(chunks) as chunks, sum(terms) as terms from (
         select workspace_id, documents, chunks, terms from lexical_collections
         union all select workspace_id, change, change * chunks, change * terms from term_statistics_deltas) c
       group by workspace_id),
     held as (${held('count(distinct t.document_id) as documents, count(*) as chunks, sum(t.length) as terms', '')}
       group by t.workspace_id)
     select coalesce(c.workspace_id, h.workspace_id) as id,
            concat_ws(' ', coalesce(c.documents, 0), coalesce(c.chunks, 0), coalesce(c.terms, 0)) as counted,
            concat_ws(' ', coalesce(h.documents, 0), coalesce(h.chunks, 0), coalesce(h.terms, 0)) as held
     from counted c full join held h using (workspace_id)
     where (coalesce(c.documents, 0), coalesce(c.chunks, 0), coalesce(c.terms, 0))
           <> (coalesce(h.documents, 0), coalesce(h.chunks, 0), coalesce(h.terms, 0))`,
  );
  const terms = await query<{ id: string; wrong: number }>(
    em,
    `with counted as (
       select workspace_id, key, sum(documents) as documents, sum(chunks) as chunks from (
         select workspace_id, key, documents, chunks from term_statistics
         union all
         select d.workspace_id, u.key, d.change, d.change * u.chunks
         from term_statistics_deltas d, unnest(d.keys, d.counts) as u (key, chunks)) c
       group by workspace_id, key),
     held as (${held('u.key, count(distinct t.document_id) as documents, count(*) as chunks', ', unnest(t.keys) as u (key)')}
       group by t.workspace_id, u.key)
     select workspace_id as id, count(*)::int as wrong
     from counted c full join held h using (workspace_id, key)
     where (coalesce(c.documents, 0), coalesce(c.chunks, 0)) <> (coalesce(h.documents, 0), coalesce(h.chunks, 0))
     group by workspace_id`,
  );
  return [
    ...unindexed.map((row) => ({
      invariant: 9,
      entity: 'document',
      id: row.document_id,
      detail: `generation ${row.generation} has ${counted(row.chunks, 'chunk')}, indexed for full text: ${row.indexed}`,
    })),
    ...collections.map((row) => ({
      invariant: 9,
      entity: 'workspace',
      id: row.id,
      detail: `documents, chunks and words of full text are counted as ${row.counted}, and there are ${row.held}`,
    })),
    ...terms.map((row) => ({
      invariant: 9,
      entity: 'workspace',
      id: row.id,
      detail: `${row.wrong} terms of full text are counted wrong`,
    })),
  ];
};

function held(columns: string, and: string): string {
  return `select t.workspace_id, ${columns}
    from chunk_terms t join document_generations g on g.workspace_id = t.workspace_id and g.document_id = t.document_id
      and g.generation = t.generation ${and}
    where g.state = 'active' and g.language is not null`;
}
