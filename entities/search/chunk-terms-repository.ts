import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** The terms of one chunk: keys ascending, those of its terms first, whose frequencies stand beside them. */
export type ChunkTermsToStore = {
  index: number;
  length: number;
  keys: readonly (number | bigint)[];
  frequencies: readonly number[];
};

/** Stores the terms of chunks that are stored; those that are there already stay as they are. */
export async function insertChunkTerms(
  em: EntityManager,
  key: { workspaceId: string; documentId: string; generation: number },
  chunks: readonly ChunkTermsToStore[],
): Promise<void> {
  const { workspaceId, ...owner } = key;
  await insertChunkTermsOf(
    em,
    workspaceId,
    chunks.map((chunk) => ({ ...chunk, ...owner })),
  );
}

/** The same for chunks of several generations. */
export async function insertChunkTermsOf(
  em: EntityManager,
  workspaceId: string,
  chunks: readonly (ChunkTermsToStore & { documentId: string; generation: number })[],
): Promise<void> {
  await query(
    em,
    `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
     select $1, c.document_id, c.generation, c.index, c.length, c.keys::bigint[], c.frequencies::smallint[]
     from unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::text[], $7::text[])
          as c (document_id, generation, index, length, keys, frequencies)
     on conflict do nothing`,
    [
      workspaceId,
      chunks.map((chunk) => chunk.documentId),
      chunks.map((chunk) => chunk.generation),
      chunks.map((chunk) => chunk.index),
      chunks.map((chunk) => chunk.length),
      // An array of arrays of different lengths has no form of its own.
      chunks.map((chunk) => `{${chunk.keys.join(',')}}`),
      chunks.map((chunk) => `{${chunk.frequencies.join(',')}}`),
    ],
  );
}
