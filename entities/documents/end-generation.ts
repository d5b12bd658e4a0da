import type { EntityManager } from '@mikro-orm/postgresql';
import { deleteParts } from './document-chunk-repository.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import type { StoredError } from './document-repository.ts';
import { keepVectors } from './embedding-cache-repository.ts';
import { query } from '../sql.ts';

/** The states in which a generation stays. */
export type GenerationEnd = 'active' | 'failed' | 'abandoned';

/** A generation whose row is locked. */
export type LockedGeneration = {
  generation: number;
  state: 'staging' | 'ready' | GenerationEnd;
  run_id: string | null;
  job_id: string | null;
  expected_chunks: number | null;
};

/** How a generation ended; anything that is not one of the states in which it stays is as good as abandoned. */
export function endOf(state: LockedGeneration['state']): GenerationEnd {
  return state === 'active' || state === 'failed' ? state : 'abandoned';
}

/**
 * Locks a document that was not deleted; whoever ends a generation locks this first. Here as everywhere NO KEY UPDATE is
 * enough, and needed: a writer that holds a generation inserts rows that refer to its document, and must not wait for one
 * that waits for it.
 */
export async function lockDocument(
  em: EntityManager,
  key: { workspaceId: string; documentId: string },
): Promise<{ active_generation: number | null; latest_generation: number } | undefined> {
  const [row] = await query<{ active_generation: number | null; latest_generation: number }>(
    em,
    `select active_generation, latest_generation from documents
     where workspace_id = $1 and id = $2 and deleted_at is null for no key update`,
    [key.workspaceId, key.documentId],
  );
  return row;
}

/** Locks the document's generations up to this one, ascending. */
export async function lockGenerations(em: EntityManager, key: GenerationKey): Promise<LockedGeneration[]> {
  return query<LockedGeneration>(
    em,
    `select generation, state, run_id, job_id, expected_chunks from document_generations
     where workspace_id = $1 and document_id = $2 and generation <= $3 order by generation for update`,
    [key.workspaceId, key.documentId, key.generation],
  );
}

/**
 * Ends a locked generation that will not be served: chunks, embeddings and the password go. What is `kept` for a retry
 * are its bytes and the vectors that were paid for. The caller holds the locks of the document and its generations, and
 * settles the job afterwards.
 */
export async function endGeneration(
  em: EntityManager,
  key: GenerationKey,
  end: { state: 'failed' | 'abandoned'; error: StoredError; kept: boolean },
): Promise<void> {
  if (end.kept) await keepVectors(em, key);
  await deleteParts(em, key, { blobs: !end.kept });
  await query(em, `delete from embedding_claims where workspace_id = $1 and document_id = $2 and generation = $3`, [
    key.workspaceId,
    key.documentId,
    key.generation,
  ]);
  await query(
    em,
    `update document_generations
     set state = $3, error = $4, content = null, password_sealed = null, stage = 'done', completed_at = now(),
         updated_at = now()
     where document_id = $1 and generation = $2`,
    [key.documentId, key.generation, end.state, JSON.stringify(end.error)],
  );
}

/**
 * Sets a document's status after one of its generations ended with an error: what is served stays `ready`, what another
 * generation still works on stays as it is. The error is that of the newest generation alone.
 */
export async function settleDocument(
  em: EntityManager,
  key: GenerationKey,
  end: { status: 'failed' | 'cancelled'; error: StoredError },
): Promise<void> {
  await query(
    em,
    `update documents
     set updated_at = now(), error = case when latest_generation = $2 then $3::jsonb else error end,
         status = case when exists (select from document_generations g where g.document_id = id and g.state = 'staging')
                         then status
                       when active_generation is not null then 'ready'
                       else $4 end
     where id = $1`,
    [key.documentId, key.generation, JSON.stringify(end.error), end.status],
  );
}
