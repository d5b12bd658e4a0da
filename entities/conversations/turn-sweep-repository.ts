import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A turn that nobody may be working on. */
export type StrayTurn = {
  workspaceId: string;
  conversationId: string;
  turnId: string;
  agentId: string;
  cancel: boolean;
  /** Whether an evaluation holds its conversation. */
  isHeld: boolean;
  /** Whether it waits for a person, so that its workflow is silent for good reason. */
  waits: boolean;
  /** Calls about which a person has decided; the workflow may not have heard of it. */
  decided: string[];
};

/**
 * Finds turns whose request died between the row and the workflow (`accepted` for a few seconds), whose cancel was noted
 * but not acted on, that were begun early without their workflow's knowing, about whose calls was decided without anything
 * happening, and turns that have been silent so long that their workflow may be gone. For the operator role.
 */
export async function findStrayTurns(em: EntityManager, limit: number): Promise<StrayTurn[]> {
  return query<StrayTurn>(
    em,
    `select t.workspace_id as "workspaceId", t.conversation_id as "conversationId", t.id as "turnId",
            t.agent_id as "agentId",
            exists (select from conversations h where h.id = t.conversation_id and h.evaluation_id is not null) as "isHeld",
            t.cancel_requested_at is not null as cancel,
            t.state = 'waiting' and t.activity_id is distinct from 'early' as waits,
            array(select c.id from tool_calls c left join approvals a on a.tool_call_id = c.id
                  where c.turn_id = t.id and c.step = t.step - 1
                    and (a.state in ('approved', 'denied') or c.settled_at is not null)) as decided
     from turns t
     where (t.state = 'accepted' and t.updated_at < now() - interval '5 seconds')
        or (t.state in ('queued', 'running', 'waiting') and t.cancel_requested_at < now() - interval '5 seconds')
        or (t.state in ('queued', 'running') and t.updated_at < now() - interval '60 seconds')
        or (t.state = 'waiting' and t.updated_at < now() - interval '10 minutes')
        or (t.activity_id = 'early' and t.updated_at < now() - interval '5 seconds')
        or (t.state = 'running' and t.step > 0 and t.updated_at < now() - interval '5 seconds'
            and not exists (select from turn_steps s where s.turn_id = t.id and s.step = t.step)
            and not exists (select from tool_calls c where c.turn_id = t.id and c.state = 'executing')
            and exists (select from tool_calls c left join approvals a on a.tool_call_id = c.id
                        where c.turn_id = t.id and c.step = t.step - 1
                          and (a.state in ('approved', 'denied') or c.settled_at is not null)))
     order by t.conversation_id, t.created_at limit $1`,
    [limit],
  );
}

/** Notes that a stray turn was brought to its workflow again, so that the next sweep leaves it alone for a while. */
export async function noteSwept(em: EntityManager, turnIds: readonly string[]): Promise<void> {
  await query(
    em,
    `update turns set updated_at = now(), state = case when state = 'accepted' then 'queued' else state end
     where id = any($1::uuid[]) and state in ('accepted', 'queued', 'running', 'waiting')`,
    [turnIds],
  );
}
