import type { EntityManager } from '@mikro-orm/postgresql';
import { binaryArray, binaryVector, byteaTypeId } from './binary-array.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import { query } from '../sql.ts';

/**
 * A chunk without a vector, and what its embedding text is made of; `tokens` counts the content alone. Vectors are sent
 * under the id of their type, which differs between databases.
 */
export type UnembeddedChunk = {
  index: number;
  content: string;
  tokens: number;
  title: string | null;
  headings: string[];
  tableHeader: string | null;
  vectorTypeId: number;
};

/** Chunks of the range [from, to) that the model has not embedded yet. */
export async function readChunksToEmbed(
  em: EntityManager,
  key: GenerationKey,
  modelId: string,
  range: { from: number; to: number },
): Promise<UnembeddedChunk[]> {
  return query(
    em,
    `select c.chunk_index as index, c.content, c.token_count as tokens, coalesce(g.found_title, g.title) as title,
            coalesce(c.metadata -> 'headings', '[]') as headings, c.metadata ->> 'table_header' as "tableHeader",
            'vector'::regtype::oid::integer as "vectorTypeId"
     from document_chunks c
     join document_generations g on g.document_id = c.document_id and g.generation = c.generation
     where c.workspace_id = $1 and c.document_id = $2 and c.generation = $3 and c.chunk_index >= $5 and c.chunk_index < $6
       and not exists (
         select from chunk_embeddings e
         where e.model_id = $4 and e.workspace_id = $1 and e.document_id = $2 and e.generation = $3
           and e.chunk_index = c.chunk_index)
     order by c.chunk_index`,
    [key.workspaceId, key.documentId, key.generation, modelId, range.from, range.to],
  );
}

/** Chunks and the SHA-256 of what was embedded of each. */
export type HashedChunks = { modelId: string; indexes: readonly number[]; hashes: readonly Uint8Array[] };

/**
 * Stores the vectors of chunks, one statement, and returns how many were new. The caller holds the generation's lock in
 * the same transaction.
 */
export async function insertEmbeddings(
  em: EntityManager,
  key: GenerationKey,
  chunks: HashedChunks & { vectorTypeId: number; vectors: readonly Float32Array[] },
): Promise<number> {
  return insertEmbeddingsOf(em, key.workspaceId, { ...chunks, owners: chunks.indexes.map(() => key) });
}

/** Chunks of several generations, each with its own. */
export type OwnedChunks = HashedChunks & { owners: readonly { documentId: string; generation: number }[] };

/** The same for chunks of several generations, all of which the caller holds. */
export async function insertEmbeddingsOf(
  em: EntityManager,
  workspaceId: string,
  chunks: OwnedChunks & { vectorTypeId: number; vectors: readonly Float32Array[] },
): Promise<number> {
  const rows = await query(
    em,
    `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, content_hash, embedding)
     select $1, $2, e.document_id, e.generation, e.index, e.hash, e.embedding
     from unnest($3::uuid[], $4::integer[], $5::integer[], $6::bytea[], $7::vector[])
          as e (document_id, generation, index, hash, embedding)
     on conflict do nothing returning chunk_index`,
    [
      chunks.modelId,
      workspaceId,
      chunks.owners.map((owner) => owner.documentId),
      chunks.owners.map((owner) => owner.generation),
      chunks.indexes,
      binaryArray(byteaTypeId, chunks.hashes),
      binaryArray(chunks.vectorTypeId, chunks.vectors.map(binaryVector)),
    ],
  );
  return rows.length;
}

/**
 * Gives chunks the vectors that this workspace has already paid for, one statement, and returns the indexes of those that
 * now have one. The caller holds the generation's lock in the same transaction.
 */
export async function copyKnownEmbeddings(
  em: EntityManager,
  key: GenerationKey,
  chunks: HashedChunks,
): Promise<number[]> {
  const found = await copyKnownEmbeddingsOf(em, key.workspaceId, { ...chunks, owners: chunks.indexes.map(() => key) });
  return found.map((row) => row.index);
}

/** The same for chunks of several generations, all of which the caller holds. */
export async function copyKnownEmbeddingsOf(
  em: EntityManager,
  workspaceId: string,
  chunks: OwnedChunks,
): Promise<{ documentId: string; index: number }[]> {
  return query<{ documentId: string; index: number }>(
    em,
    `insert into chunk_embeddings (model_id, workspace_id, document_id, generation, chunk_index, content_hash, embedding)
     select $1, $2, w.document_id, w.generation, w.index, w.hash, known.embedding
     from unnest($3::uuid[], $4::integer[], $5::integer[], $6::bytea[]) as w (document_id, generation, index, hash)
     cross join lateral (
       (select e.embedding from chunk_embeddings e
        where e.model_id = $1 and e.workspace_id = $2 and e.content_hash = w.hash limit 1)
       union all
       (select k.embedding from embedding_cache k
        where k.workspace_id = $2 and k.model_id = $1 and k.content_hash = w.hash limit 1)
       limit 1) known
     on conflict do nothing returning document_id as "documentId", chunk_index as index`,
    [
      chunks.modelId,
      workspaceId,
      chunks.owners.map((owner) => owner.documentId),
      chunks.owners.map((owner) => owner.generation),
      chunks.indexes,
      binaryArray(byteaTypeId, chunks.hashes),
    ],
  );
}
