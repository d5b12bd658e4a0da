import type { EntityManager } from '@mikro-orm/postgresql';
import { binaryArray, textTypeId } from './binary-array.ts';
import { query } from '../sql.ts';

/** One generation of one document. */
export type GenerationKey = { workspaceId: string; documentId: string; generation: number };

/** A chunk to store; offsets are UTF-16 code units of the generation's content. */
export type ChunkToStore = {
  index: number;
  content: string;
  start: number;
  end: number;
  tokens: number;
  /** What `document_chunks.metadata` is to hold: headings, pages and the like. */
  metadata: object;
};

/** A row of one of several generations of a workspace. */
export type Of<Row> = Row & { documentId: string; generation: number };

/**
 * Stores chunks; those that are there already stay as they are. The caller holds the generation's lock in the same
 * transaction.
 */
export async function insertChunks(
  em: EntityManager,
  key: GenerationKey,
  chunks: readonly ChunkToStore[],
): Promise<void> {
  const { workspaceId, ...owner } = key;
  await insertChunksOf(
    em,
    workspaceId,
    chunks.map((chunk) => ({ ...chunk, ...owner })),
  );
}

/** The same for chunks of several generations, all of which the caller holds. */
export async function insertChunksOf(
  em: EntityManager,
  workspaceId: string,
  chunks: readonly Of<ChunkToStore>[],
): Promise<void> {
  await query(
    em,
    `insert into document_chunks (workspace_id, document_id, generation, chunk_index, content, start_char, end_char,
                                  token_count, metadata)
     select $1, c.document_id, c.generation, c.index, c.content, c.start_char, c.end_char, c.tokens, c.metadata
     from unnest($2::uuid[], $3::integer[], $4::integer[], $5::text[], $6::integer[], $7::integer[], $8::integer[],
                 $9::jsonb[])
          as c (document_id, generation, index, content, start_char, end_char, tokens, metadata)
     on conflict do nothing`,
    [
      workspaceId,
      chunks.map((chunk) => chunk.documentId),
      chunks.map((chunk) => chunk.generation),
      chunks.map((chunk) => chunk.index),
      binaryArray(
        textTypeId,
        chunks.map((chunk) => Buffer.from(chunk.content)),
      ),
      chunks.map((chunk) => chunk.start),
      chunks.map((chunk) => chunk.end),
      chunks.map((chunk) => chunk.tokens),
      chunks.map((chunk) => JSON.stringify(chunk.metadata)),
    ],
  );
}

/** Deletes a generation's embeddings and chunks, and its bytes if wanted. The caller holds the generation's lock. */
export async function deleteParts(em: EntityManager, key: GenerationKey, also: { blobs: boolean }): Promise<void> {
  const parameters = [key.workspaceId, key.documentId, key.generation];
  const where = 'where workspace_id = $1 and document_id = $2 and generation = $3';
  await query(em, `delete from chunk_embeddings ${where}`, parameters);
  await query(em, `delete from document_chunks ${where}`, parameters);
  if (also.blobs) await query(em, `delete from blobs ${where}`, parameters);
}

/**
 * Deletes the next chunks, at most `limit`, of generations below `generation` that were abandoned, with their
 * embeddings; when none is left, the bytes of all that have ended. Returns how many chunks it deleted.
 */
export async function deleteSupersededChunks(em: EntityManager, key: GenerationKey, limit: number): Promise<number> {
  const chunks = await query<{ generation: number; chunk_index: number }>(
    em,
    `select c.generation, c.chunk_index from document_chunks c
     join document_generations g on g.document_id = c.document_id and g.generation = c.generation
     where c.workspace_id = $1 and c.document_id = $2 and c.generation < $3 and g.state = 'abandoned'
     order by c.generation, c.chunk_index limit $4 for update of c`,
    [key.workspaceId, key.documentId, key.generation, limit],
  );
  if (chunks.length === 0) {
    await query(
      em,
      `delete from blobs b using document_generations g
       where b.workspace_id = $1 and b.document_id = $2 and b.generation < $3
         and g.document_id = b.document_id and g.generation = b.generation and g.state in ('abandoned', 'failed')`,
      [key.workspaceId, key.documentId, key.generation],
    );
    return 0;
  }
  const named = [
    key.workspaceId,
    key.documentId,
    chunks.map((chunk) => chunk.generation),
    chunks.map((chunk) => chunk.chunk_index),
  ];
  for (const table of ['chunk_embeddings', 'document_chunks']) {
    await query(
      em,
      `delete from ${table} p using unnest($3::integer[], $4::integer[]) as c (generation, chunk_index)
       where p.workspace_id = $1 and p.document_id = $2 and p.generation = c.generation and p.chunk_index = c.chunk_index`,
      named,
    );
  }
  return chunks.length;
}
