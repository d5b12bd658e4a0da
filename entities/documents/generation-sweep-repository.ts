import type { EntityManager } from '@mikro-orm/postgresql';
import type { GenerationKey } from './document-chunk-repository.ts';
import { query } from '../sql.ts';

/**
 * Finds generations that nobody may be working on: accepted a few seconds ago and never begun, or silent for a minute.
 * For the operator role. They are marked, so that the next look leaves them alone for as long as they are old: thousands
 * that wait for a worker are not started again every few seconds.
 */
export async function claimStrayGenerations(em: EntityManager, limit: number): Promise<GenerationKey[]> {
  return query<GenerationKey>(
    em,
    `update document_generations g set updated_at = now()
     from (select document_id, generation from document_generations
           where state = 'staging'
             and updated_at < now() - greatest(
               case when stage = 'accepted' then interval '5 seconds' else interval '60 seconds' end,
               least(updated_at - created_at, interval '10 minutes'))
           order by updated_at limit $1 for update skip locked) stray
     where g.document_id = stray.document_id and g.generation = stray.generation
     returning g.workspace_id as "workspaceId", g.document_id as "documentId", g.generation`,
    [limit],
  );
}
