import type { EntityManager } from '@mikro-orm/postgresql';
import { binaryArray, byteaTypeId } from './binary-array.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import { query } from '../sql.ts';

/** Who pays for a text: one range of chunks of one generation. A later attempt at the range is the same payer. */
export type EmbeddingPayer = GenerationKey & { modelId: string; firstChunk: number };

// Longer than a provider's answer takes; a payer that died is waited for no longer.
const claimSeconds = 120;

/**
 * Claims texts for a payer and returns which of them it got, as places in `hashes`. The others are being paid for by
 * somebody else. Claims are taken in the order of the hashes, so that two payers cannot wait for each other in a circle.
 */
export async function claimTexts(
  em: EntityManager,
  payer: EmbeddingPayer,
  hashes: readonly Uint8Array[],
): Promise<number[]> {
  return claimTextsOf(em, payer, { hashes, owners: hashes.map(() => payer) });
}

/** The same for texts of several generations; of those that have the same, the first one claims it. */
export async function claimTextsOf(
  em: EntityManager,
  payer: Omit<EmbeddingPayer, 'documentId' | 'generation'>,
  texts: { hashes: readonly Uint8Array[]; owners: readonly { documentId: string; generation: number }[] },
): Promise<number[]> {
  const rows = await query<{ place: number }>(
    em,
    `with wanted as (select distinct on (w.hash) w.hash, w.document_id, w.generation, w.place::integer - 1 as place
                     from unnest($4::bytea[], $5::uuid[], $6::integer[]) with ordinality
                          as w (hash, document_id, generation, place) order by w.hash, w.place),
     claimed as (
       insert into embedding_claims (workspace_id, model_id, content_hash, document_id, generation, first_chunk, expires_at)
       select $1, $2, w.hash, w.document_id, w.generation, $3, clock_timestamp() + make_interval(secs => $7)
       from wanted w order by w.hash
       on conflict (workspace_id, model_id, content_hash) do update
       set document_id = excluded.document_id, generation = excluded.generation, first_chunk = excluded.first_chunk,
           expires_at = excluded.expires_at
       where embedding_claims.expires_at < clock_timestamp()
          or (embedding_claims.document_id = excluded.document_id and embedding_claims.generation = excluded.generation
              and embedding_claims.first_chunk = excluded.first_chunk)
       returning content_hash)
     select w.place from wanted w join claimed c on c.content_hash = w.hash order by w.place`,
    [
      payer.workspaceId,
      payer.modelId,
      payer.firstChunk,
      binaryArray(byteaTypeId, texts.hashes),
      texts.owners.map((owner) => owner.documentId),
      texts.owners.map((owner) => owner.generation),
      claimSeconds,
    ],
  );
  return rows.map((row) => row.place);
}

/** Gives claims back, in the transaction that stores the vectors: whoever claims next sees them. */
export async function releaseClaims(
  em: EntityManager,
  payer: EmbeddingPayer,
  hashes: readonly Uint8Array[],
): Promise<void> {
  await query(
    em,
    `delete from embedding_claims
     where workspace_id = $1 and model_id = $2 and content_hash = any($6::bytea[])
       and document_id = $3 and generation = $4 and first_chunk = $5`,
    [
      payer.workspaceId,
      payer.modelId,
      payer.documentId,
      payer.generation,
      payer.firstChunk,
      binaryArray(byteaTypeId, hashes),
    ],
  );
}

/** Keeps the vectors of a generation that is about to lose its chunks, for its document's retry. */
export async function keepVectors(em: EntityManager, key: GenerationKey): Promise<void> {
  await query(
    em,
    `insert into embedding_cache (workspace_id, model_id, content_hash, document_id, embedding)
     select distinct on (model_id, content_hash) workspace_id, model_id, content_hash, document_id, embedding
     from chunk_embeddings
     where workspace_id = $1 and document_id = $2 and generation = $3 and content_hash is not null
     on conflict do nothing`,
    [key.workspaceId, key.documentId, key.generation],
  );
}

/** Forgets what was kept for the document, and what it was about to pay for. */
export async function forgetVectors(
  em: EntityManager,
  document: { workspaceId: string; documentId: string },
): Promise<void> {
  for (const table of ['embedding_cache', 'embedding_claims']) {
    await query(em, `delete from ${table} where workspace_id = $1 and document_id = $2`, [
      document.workspaceId,
      document.documentId,
    ]);
  }
}

/** Forgets, of documents whose generations were just published, what they and earlier ones kept and were about to pay for. */
export async function forgetVectorsOf(
  em: EntityManager,
  workspaceId: string,
  published: readonly { documentId: string; generation: number }[],
): Promise<void> {
  const parameters = [
    workspaceId,
    published.map(({ documentId }) => documentId),
    published.map(({ generation }) => generation),
  ];
  await query(
    em,
    `delete from embedding_cache k using unnest($2::uuid[], $3::integer[]) as p (document_id, generation), documents d
     where k.workspace_id = $1 and k.document_id = p.document_id
       and d.id = p.document_id and d.latest_generation = p.generation`,
    parameters,
  );
  await query(
    em,
    `delete from embedding_claims c using unnest($2::uuid[], $3::integer[]) as p (document_id, generation)
     where c.workspace_id = $1 and c.document_id = p.document_id and c.generation <= p.generation`,
    parameters,
  );
}
