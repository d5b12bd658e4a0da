import type pg from 'pg';
import { binaryArray, binaryVector } from '../../entities/documents/binary-array.ts';
import { ClusteredVectors, defaultShape } from '../data/clustered-vectors.ts';
import type { Corpus } from '../data/load-corpus.ts';

const atOnce = 1000;

type Key = { document: string; index: number };

/**
 * Deletes the vectors of a share of the documents and inserts others around the same topics in their place, as ingesting
 * them again does: the index has both until it is vacuumed.
 */
export async function replaceVectors(
  owner: pg.Client,
  corpus: Corpus,
  share: number,
  report: (line: string) => void,
): Promise<void> {
  const { workspaceId, modelId, partition } = corpus;
  const { rows: keys } = await owner.query<Key>(
    `delete from ${partition} where hashtext(document_id::text)::bigint + 2147483648 < $1::float8 * 4294967296
     returning document_id as document, chunk_index as index`,
    [share],
  );
  keys.sort((a, b) => (a.document === b.document ? a.index - b.index : a.document < b.document ? -1 : 1));
  const type = await owner.query<{ id: number }>(`select 'vector'::regtype::oid::integer as id`);
  // The same topics as those of the corpus, and other documents around them.
  const drawn = new ClusteredVectors(7, defaultShape).reseed(8);
  let centre = drawn.document().centre;
  for (let from = 0; from < keys.length; from += atOnce) {
    const part = keys.slice(from, from + atOnce);
    const vectors = part.map(({ index }) => {
      if (index === 0) centre = drawn.document().centre;
      return binaryVector(drawn.chunk(centre));
    });
    await owner.query(
      `insert into ${partition} (model_id, workspace_id, document_id, generation, chunk_index, embedding)
       select $1, $2, document, 1, i, embedding from unnest($3::uuid[], $4::int[], $5::vector[]) as e (document, i, embedding)`,
      [
        modelId,
        workspaceId,
        part.map(({ document }) => document),
        part.map(({ index }) => index),
        binaryArray(type.rows[0]!.id, vectors),
      ],
    );
    if ((from / atOnce) % 10 === 0) report(`replaced ${from} of ${keys.length} vectors`);
  }
}
