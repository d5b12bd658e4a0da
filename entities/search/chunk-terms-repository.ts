import type { EntityManager } from '@mikro-orm/postgresql';
import { binaryBigints, binarySmallints } from '../documents/binary-array.ts';
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
  const keys = placesWithin(chunks.map((chunk) => chunk.keys.length));
  const frequencies = placesWithin(chunks.map((chunk) => chunk.frequencies.length));
  await query(
    em,
    // Arrays of different lengths have no array: all of them are sent as one, and each row takes its part.
    `insert into chunk_terms (workspace_id, document_id, generation, chunk_index, length, keys, frequencies)
     select $1, c.document_id, c.generation, c.index, c.length, ($10::bigint[])[c.key_from:c.key_to],
            ($11::smallint[])[c.frequency_from:c.frequency_to]
     from unnest($2::uuid[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],
                 $9::integer[])
          as c (document_id, generation, index, length, key_from, key_to, frequency_from, frequency_to)
     on conflict do nothing`,
    [
      workspaceId,
      chunks.map((chunk) => chunk.documentId),
      chunks.map((chunk) => chunk.generation),
      chunks.map((chunk) => chunk.index),
      chunks.map((chunk) => chunk.length),
      keys.from,
      keys.to,
      frequencies.from,
      frequencies.to,
      binaryBigints(chunks.flatMap((chunk) => chunk.keys)),
      binarySmallints(chunks.flatMap((chunk) => chunk.frequencies)),
    ],
  );
}

/** The first and the last place, counted from 1, of each of the parts that make up an array; an empty one ends before it begins. */
export function placesWithin(lengths: readonly number[]): { from: number[]; to: number[] } {
  const from: number[] = [];
  const to: number[] = [];
  let end = 0;
  for (const length of lengths) {
    from.push(end + 1);
    end += length;
    to.push(end);
  }
  return { from, to };
}
