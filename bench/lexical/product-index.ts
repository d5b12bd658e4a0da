import type pg from 'pg';
import type { LoadedChunk } from './term-design.ts';

/** Stores published documents of chunks and terms in the product's tables, as ingestion does but for the embedding. */
export async function insertPublished(
  client: pg.Client,
  workspaceId: string,
  chunks: readonly LoadedChunk[],
): Promise<void> {
  const documents = [...new Set(chunks.map((chunk) => chunk.document))];
  await client.query(
    `insert into documents (id, workspace_id, title, document_type, is_global, status, latest_generation, active_generation)
     select id, $1, 'Document', 'text', true, 'ready', 1, 1 from unnest($2::uuid[]) as d (id)`,
    [workspaceId, documents],
  );
  await client.query(
    `insert into document_generations (workspace_id, document_id, generation, state, stage, workflow_id, mime_type, byte_size,
                                       content_hash, chunk_size, chunk_overlap, expected_chunks, language)
     select $1, id, 1, 'active', 'done', 'bench', 'text/plain', 0, '', 200, 0, $3, 'en' from unnest($2::uuid[]) as d (id)`,
    [workspaceId, documents, chunks.length / documents.length],
  );
}

/** Stores chunks and their terms: the part of ingestion that the designs are compared by. */
export async function insertIndexed(
  client: pg.Client,
  workspaceId: string,
  chunks: readonly LoadedChunk[],
): Promise<void> {
  const keys = [workspaceId, chunks.map((chunk) => chunk.document), chunks.map((chunk) => chunk.index)];
  await client.query(
    `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char, token_count)
     select $1, document, 1, index, content, 0, length(content), 1
     from unnest($2::uuid[], $3::integer[], $4::text[]) as c (document, index, content)`,
    [...keys, chunks.map((chunk) => chunk.content)],
  );
  await client.query(
    `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
     select $1, document, 1, index, length, keys::bigint[], frequencies::smallint[]
     from unnest($2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::text[]) as t (document, index, length, keys, frequencies)`,
    [
      ...keys,
      chunks.map((chunk) => chunk.terms.length),
      chunks.map((chunk) => `{${chunk.terms.keys.join(',')}}`),
      chunks.map((chunk) => `{${chunk.terms.frequencies.join(',')}}`),
    ],
  );
}

/** The best chunks as search finds them, or, where every chunk is scored, as they truly are. */
export async function bestChunks(
  client: pg.Client,
  workspaceId: string,
  query: { keys: number[]; weights: number[] },
  budget: number | 'all',
): Promise<{ document_id: string; chunk_index: number; score: number }[]> {
  const { rows } = await client.query<{ document_id: string; chunk_index: number; score: number }>(
    budget === 'all'
      ? `select s.* from lexical_query($1, $2, $3) q, lexical_scores($1, null, null, null, q.terms, q.factors, q.average, null, $4) s
         order by score desc, document_id, chunk_index`
      : `select * from search_lexical($1, null, null, null, $2, $3, $4, ${budget}) order by score desc, document_id, chunk_index`,
    [workspaceId, query.keys, query.weights, 50],
  );
  return rows;
}
