import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** A turn that nobody may be working on. */
export type StrayTurn = {
  workspaceId: string;
  conversationId: string;
  turnId: string;
  agentId: string;
  cancel: boolean;
};

/**
 * Finds turns whose request died between the row and the workflow (`accepted` for a few seconds), whose cancel was noted
 * but not acted on, and turns that have been silent so long that their workflow may be gone. For the operator role.
 */
export async function findStrayTurns(em: EntityManager, limit: number): Promise<StrayTurn[]> {
  const rows = await query<{
    workspace_id: string;
    conversation_id: string;
    id: string;
    agent_id: string;
    cancel: boolean;
  }>(
    em,
    `select t.workspace_id, t.conversation_id, t.id, t.agent_id, t.cancel_requested_at is not null as cancel
     from turns t
     where (t.state = 'accepted' and t.updated_at < now() - interval '5 seconds')
        or (t.state in ('queued', 'running', 'waiting') and t.cancel_requested_at < now() - interval '5 seconds')
        or (t.state in ('queued', 'running', 'waiting') and t.updated_at < now() - interval '60 seconds')
     order by t.conversation_id, t.created_at limit $1`,
    [limit],
  );
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    conversationId: row.conversation_id,
    turnId: row.id,
    agentId: row.agent_id,
    cancel: row.cancel,
  }));
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
