import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** An active generation whose terms are not indexed, because it was ingested before there was an index of terms. */
export type UnindexedGeneration = {
  workspaceId: string;
  documentId: string;
  generation: number;
  title: string;
  /** The language that its source names. */
  sourceLanguage: string | null;
  /** The beginning of its text. */
  sample: string;
};

const sampleLength = 20_000;

/** Finds active generations that are not indexed, those that have waited longest first. */
export async function findUnindexedGenerations(em: EntityManager, limit: number): Promise<UnindexedGeneration[]> {
  return query<UnindexedGeneration>(
    em,
    `select g.workspace_id as "workspaceId", g.document_id as "documentId", g.generation,
            coalesce(g.found_title, g.title, d.title) as title,
            s.language as "sourceLanguage",
            coalesce(left(g.content, $2), (
              select string_agg(content, ' ') from (
                select c.content from document_chunks c
                where c.workspace_id = g.workspace_id and c.document_id = g.document_id and c.generation = g.generation
                order by c.chunk_index limit 20) f), '') as sample
     from document_generations g
     join documents d on d.workspace_id = g.workspace_id and d.id = g.document_id
     left join knowledge_sources s on s.workspace_id = d.workspace_id and s.id = d.knowledge_source_id
     where g.state = 'active' and g.language is null order by g.updated_at limit $1`,
    [limit, sampleLength],
  );
}

/** The next chunks of a generation, in their order, whose terms are not indexed. */
export async function readChunksToIndex(
  em: EntityManager,
  key: { workspaceId: string; documentId: string; generation: number },
  limit: number,
): Promise<{ index: number; content: string; metadata: { headings?: string[]; table_header?: string } }[]> {
  return query(
    em,
    `select c.chunk_index as index, c.content, c.metadata from document_chunks c
     where c.workspace_id = $1 and c.document_id = $2 and c.generation = $3
       and not exists (
         select from chunk_terms t
         where t.workspace_id = $1 and t.document_id = $2 and t.generation = $3 and t.chunk_index = c.chunk_index)
     order by c.chunk_index limit $4`,
    [key.workspaceId, key.documentId, key.generation, limit],
  );
}

/** Holds a generation that is active and not indexed, so that it stays so for this transaction; false if it is not. */
export async function holdUnindexed(
  em: EntityManager,
  key: { workspaceId: string; documentId: string; generation: number },
): Promise<boolean> {
  const rows = await query(
    em,
    `select generation from document_generations
     where workspace_id = $1 and document_id = $2 and generation = $3 and state = 'active' and language is null
     for no key update`,
    [key.workspaceId, key.documentId, key.generation],
  );
  return rows.length > 0;
}

/** Notes that all terms of an active generation are indexed, and counts them. The caller holds it. */
export async function finishIndexing(
  em: EntityManager,
  key: { workspaceId: string; documentId: string; generation: number; language: string },
): Promise<void> {
  await query(
    em,
    `update document_generations set language = $4, updated_at = updated_at
     where workspace_id = $1 and document_id = $2 and generation = $3`,
    [key.workspaceId, key.documentId, key.generation, key.language],
  );
  await query(em, `select count_generation_terms($1, $2, $3, 1)`, [key.workspaceId, key.documentId, key.generation]);
}
