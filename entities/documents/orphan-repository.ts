import type { EntityManager } from '@mikro-orm/postgresql';
import { deleteParts } from './document-chunk-repository.ts';
import type { GenerationKey } from './document-chunk-repository.ts';
import { query } from '../sql.ts';

/** How much was cleared: generations that had ended, and rows of the other tables. */
export type ClearedOrphans = { generations: number; blobs: number; vectors: number; claims: number };

// A step that clears up after itself is given this long before somebody else does.
const settled = `interval '5 minutes'`;

/**
 * Deletes what a step that died for good has left behind, for the operator role: chunks and vectors of generations that
 * have ended, bytes that no retry needs, vectors kept for documents that are served or gone, and claims of the dead. At
 * most `limit` generations at once; what somebody works on is skipped.
 */
export async function deleteOrphans(em: EntityManager, limit: number): Promise<ClearedOrphans> {
  const ended = await query<GenerationKey>(
    em,
    `select g.workspace_id as "workspaceId", g.document_id as "documentId", g.generation
     from document_generations g
     where g.state in ('failed', 'abandoned') and g.completed_at < now() - ${settled}
       and exists (select from document_chunks c
                   where c.workspace_id = g.workspace_id and c.document_id = g.document_id and c.generation = g.generation)
     order by g.document_id, g.generation limit $1 for update of g skip locked`,
    [limit],
  );
  for (const key of ended) await deleteParts(em, key, { blobs: false });
  const blobs = await query<{ count: number }>(
    em,
    `with deleted as (
       delete from blobs b using document_generations g, documents d
       where g.document_id = b.document_id and g.generation = b.generation and d.id = b.document_id
         and g.state in ('failed', 'abandoned') and g.completed_at < now() - ${settled}
         and (d.deleted_at is not null or g.generation < d.latest_generation)
       returning 1)
     select count(*)::integer from deleted`,
  );
  const vectors = await query<{ count: number }>(
    em,
    `with deleted as (
       delete from embedding_cache k using documents d, document_generations g
       where d.workspace_id = k.workspace_id and d.id = k.document_id
         and g.document_id = d.id and g.generation = d.latest_generation
         and (d.deleted_at is not null or g.state = 'active') returning 1)
     select count(*)::integer from deleted`,
  );
  const claims = await query<{ count: number }>(
    em,
    `with deleted as (delete from embedding_claims where expires_at < now() returning 1)
     select count(*)::integer from deleted`,
  );
  return {
    generations: ended.length,
    blobs: blobs[0]!.count,
    vectors: vectors[0]!.count,
    claims: claims[0]!.count,
  };
}
