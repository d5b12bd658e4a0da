import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/**
 * Closes the calls of evaluations and proposals that ended while a worker died: nobody will ever know their figures. A call
 * of theirs that is under way still has ten minutes. Returns how many there were. For the operator role.
 */
export async function closeOpenCalls(em: EntityManager): Promise<number> {
  const closed = await query(
    em,
    `with ended as materialized (
       select workspace_id, id from evaluations
       where completed_at > now() - interval '1 day' and completed_at < now() - interval '10 minutes'
         and status in ('completed', 'failed', 'cancelled')
       union all
       select workspace_id, id from case_proposals
       where completed_at > now() - interval '1 day' and completed_at < now() - interval '10 minutes')
     update usage_metrics u set state = 'unknown', settled_at = now()
     from ended e
     where u.workspace_id = e.workspace_id and u.entity_type = 'evaluation' and u.entity_id = e.id and u.state = 'started'
     returning u.id`,
  );
  return closed.length;
}
