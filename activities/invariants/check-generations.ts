import { query } from '../../entities/sql.ts';
import type { Check } from './breach.ts';
import { counted } from './counted.ts';

/**
 * Invariant 2: an active generation has exactly its expected chunks, each with an embedding of the workspace's oldest
 * model, of every model that its source's RAG tools used when it was ingested, and of those that they were moved to since;
 * no chunk or embedding belongs to no document or to a generation that has ended.
 */
export const checkGenerations: Check = async ({ em }) => {
  const incomplete = await query<{ document_id: string; generation: number; expected: number | null; chunks: number }>(
    em,
    `select g.document_id, g.generation, g.expected_chunks as expected, count(c.chunk_index)::int as chunks
     from document_generations g
     left join document_chunks c on c.document_id = g.document_id and c.generation = g.generation
       and c.workspace_id = g.workspace_id
     where g.state = 'active'
     group by g.document_id, g.generation, g.expected_chunks
     having g.expected_chunks is distinct from count(c.chunk_index)::int`,
  );
  const unembedded = await query<{ document_id: string; generation: number; model_id: string; missing: number }>(
    em,
    `select g.document_id, g.generation, m.id as model_id, count(*)::int as missing
     from document_generations g
     join documents d on d.id = g.document_id
     join models m on m.workspace_id = g.workspace_id and m.kind = 'embedding' and m.is_active and m.deleted_at is null
       and (m.id in (
              select r.embedding_model_id from rag_tools r
              where r.workspace_id = g.workspace_id and r.deleted_at is null
                and (r.knowledge_source_id is null or r.knowledge_source_id = d.knowledge_source_id)
                and (r.created_at <= g.created_at and m.created_at <= g.created_at or exists (
                       select from embedding_moves v
                       where v.workspace_id = r.workspace_id and v.model_id = m.id and v.state = 'completed'
                         and v.knowledge_source_id is not distinct from r.knowledge_source_id
                         and (v.rag_tool_id is null or v.rag_tool_id = r.id)))
                and not exists (
                  select from embedding_moves v
                  where v.workspace_id = r.workspace_id and v.model_id = m.id and v.rag_tool_id = r.id
                    and v.state in ('accepted', 'running')))
            or m.created_at <= g.created_at and not exists (
              select from models o
              where o.workspace_id = m.workspace_id and o.kind = 'embedding' and o.is_active and o.deleted_at is null
                and (o.created_at, o.id) < (m.created_at, m.id)))
     join document_chunks c on c.workspace_id = g.workspace_id and c.document_id = g.document_id
       and c.generation = g.generation
     where g.state = 'active' and not exists (
       select from chunk_embeddings e
       where e.model_id = m.id and e.workspace_id = c.workspace_id and e.document_id = c.document_id
         and e.generation = c.generation and e.chunk_index = c.chunk_index)
     group by g.document_id, g.generation, m.id`,
  );
  const leftOver = await query<{ document_id: string; generation: number; state: string | null; chunks: number }>(
    em,
    `select c.document_id, c.generation, case when d.deleted_at is null then g.state end as state,
            count(*)::int as chunks
     from document_chunks c
     left join document_generations g on g.document_id = c.document_id and g.generation = c.generation
     left join documents d on d.id = c.document_id
     where g.state is null or g.state in ('failed', 'abandoned') or d.deleted_at is not null
     group by c.document_id, c.generation, d.deleted_at, g.state`,
  );
  const orphans = await query<{ document_id: string; generation: number; embeddings: number }>(
    em,
    `select e.document_id, e.generation, count(*)::int as embeddings from chunk_embeddings e
     where not exists (
       select from document_chunks c
       where c.workspace_id = e.workspace_id and c.document_id = e.document_id and c.generation = e.generation
         and c.chunk_index = e.chunk_index)
     group by e.document_id, e.generation`,
  );
  const entity = 'document';
  return [
    ...incomplete.map((row) => ({
      invariant: 2,
      entity,
      id: row.document_id,
      detail: `active generation ${row.generation} has ${counted(row.chunks, 'chunk')}, expected ${row.expected ?? 'unknown'}`,
    })),
    ...unembedded.map((row) => ({
      invariant: 2,
      entity,
      id: row.document_id,
      detail: `active generation ${row.generation} lacks embeddings of ${counted(row.missing, 'chunk')} by model ${row.model_id}`,
    })),
    ...leftOver.map((row) => ({
      invariant: 2,
      entity,
      id: row.document_id,
      detail: `left of generation ${row.generation} (${row.state ?? 'deleted'}): ${counted(row.chunks, 'chunk')}`,
    })),
    ...orphans.map((row) => ({
      invariant: 2,
      entity,
      id: row.document_id,
      detail: `generation ${row.generation} has ${counted(row.embeddings, 'embedding')} without a chunk`,
    })),
  ];
};
