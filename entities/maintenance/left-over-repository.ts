import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** How many rows of each kind were cleared. */
export type ClearedLeftOvers = {
  idempotencyKeys: number;
  heldConversations: number;
  paces: number;
  modelStates: number;
};

// What clears up after itself is given this long before somebody else does.
const settled = `interval '5 minutes'`;

/**
 * Deletes what nothing will use again, for the operator role, at most `limit` rows of a kind: idempotency keys that are free
 * again, conversations that were held for an evaluation which was deleted, the pace of runs that have ended, and limits,
 * failures and kept vectors of models that were deleted.
 */
export async function deleteLeftOvers(em: EntityManager, limit: number): Promise<ClearedLeftOvers> {
  const count = async (statement: string): Promise<number> => {
    const [row] = await query<{ count: number }>(
      em,
      `with gone as (${statement} returning 1) select count(*)::int as count from gone`,
      [limit],
    );
    return row!.count;
  };
  return {
    idempotencyKeys: await count(
      `delete from idempotency_keys where ctid in (
         select ctid from idempotency_keys where created_at < now() - interval '24 hours' limit $1 for update skip locked)`,
    ),
    heldConversations: await count(
      `delete from conversations where id in (
         select c.id from conversations c
         join evaluations e on e.workspace_id = c.workspace_id and e.id = c.evaluation_id
         where e.deleted_at < now() - ${settled} and not exists (
           select from turns t where t.conversation_id = c.id
             and t.state in ('accepted', 'queued', 'running', 'waiting'))
         order by c.id limit $1 for update of c skip locked)`,
    ),
    paces: await count(
      `delete from evaluation_pacing where ctid in (
         select p.ctid from evaluation_pacing p join evaluations e on e.id = p.evaluation_id
         where e.status not in ('queued', 'running') and e.completed_at < now() - ${settled}
         limit $1 for update of p skip locked)`,
    ),
    modelStates:
      (await count(deleteOfDeletedModels('rate_limits'))) +
      (await count(deleteOfDeletedModels('model_circuits'))) +
      (await count(deleteOfDeletedModels('embedding_cache'))),
  };
}

function deleteOfDeletedModels(table: 'rate_limits' | 'model_circuits' | 'embedding_cache'): string {
  return `delete from ${table} where ctid in (
    select r.ctid from ${table} r join models m on m.workspace_id = r.workspace_id and m.id = r.model_id
    where m.deleted_at < now() - ${settled} limit $1 for update of r skip locked)`;
}
