import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A person's decision about a call. */
export type Decision = {
  callId: string;
  state: 'approved' | 'denied' | 'expired';
  /** Null where time has decided. */
  by: string | null;
  changedArguments: Record<string, unknown> | null;
  comment: string | null;
};

/** Writes a decision; an approved call may be run from now on. The caller holds the call's lock and has seen it wait. */
export async function writeDecision(em: EntityManager, decision: Decision): Promise<void> {
  await query(
    em,
    `with decided as (
       update approvals set state = $2, decided_by = $3, decided_at = now(), changed_arguments = $4, comment = $5
       where tool_call_id = $1 and state = 'waiting' returning tool_call_id)
     update tool_calls c set state = 'approved' from decided d where c.id = d.tool_call_id and $2 = 'approved'`,
    [
      decision.callId,
      decision.state,
      decision.by,
      decision.changedArguments && JSON.stringify(decision.changedArguments),
      decision.comment,
    ],
  );
}

/** Whether the decision that was taken about a call gave these arguments in place of the model's, or none. */
export async function hasChange(
  em: EntityManager,
  { callId, changedArguments }: Pick<Decision, 'callId' | 'changedArguments'>,
): Promise<boolean> {
  const rows = await query(
    em,
    `select from approvals where tool_call_id = $1 and changed_arguments is not distinct from $2::jsonb`,
    [callId, changedArguments && JSON.stringify(changedArguments)],
  );
  return rows.length > 0;
}
