import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { ToolCallState } from './tool-call-state.ts';

/** A call with its approval, as people look at it. */
export type ToolCallView = {
  id: string;
  conversation_id: string;
  turn_id: string;
  agent_id: string;
  step: number;
  position: number;
  tool_type: 'rag_tool' | 'retrieval_tool' | 'tool' | 'builtin' | null;
  tool_id: string | null;
  tool_name: string;
  tool_version: number | null;
  effect: 'read' | 'write';
  idempotent: boolean;
  arguments: Record<string, unknown> | null;
  arguments_hash: string;
  state: ToolCallState;
  attempts: number;
  result: string | null;
  result_bytes: number | null;
  truncated: boolean;
  error: { code: string; detail: string } | null;
  settlement: 'confirmed_succeeded' | 'confirmed_failed' | 'run_again' | null;
  settled_by: string | null;
  settled_at: Date | null;
  created_at: Date;
  started_at: Date | null;
  finished_at: Date | null;
  approval_id: string | null;
  approval_state: 'waiting' | 'approved' | 'denied' | 'expired' | 'cancelled' | null;
  approval_hash: string | null;
  requested_at: Date | null;
  expires_at: Date | null;
  decided_by: string | null;
  decided_at: Date | null;
  changed_arguments: Record<string, unknown> | null;
  comment: string | null;
};

/** The statement that reads calls `c` with their turn `t`, conversation `v` and approval `a`; conditions follow it. */
export const selectCalls = `
  select c.id, c.conversation_id, c.turn_id, t.agent_id, c.step, c.position, c.tool_type, c.tool_id, c.tool_name,
         c.tool_version, c.effect, c.idempotent, c.arguments, c.arguments_hash, c.state, c.attempts, c.result,
         c.result_bytes, c.truncated, c.error, c.settlement, c.settled_by, c.settled_at, c.created_at, c.started_at,
         c.finished_at, a.id as approval_id, a.state as approval_state, a.arguments_hash as approval_hash,
         a.requested_at, a.expires_at, a.decided_by, a.decided_at, a.changed_arguments, a.comment
  from tool_calls c
  join turns t on t.id = c.turn_id
  join conversations v on v.id = c.conversation_id and v.deleted_at is null
  left join approvals a on a.tool_call_id = c.id`;

/** Finds a call of a conversation that was not deleted. */
export async function findToolCall(em: EntityManager, id: string): Promise<ToolCallView | null> {
  const [row] = await query<ToolCallView>(em, `${selectCalls} where c.id = $1`, [id]);
  return row ?? null;
}

/** Where a list of calls goes on: behind this place. */
export type CallPlace = { turnId: string; step: number; position: number };

/** Lists calls, those of the newest turn first and in their order; a user's own alone where one is given. */
export async function listToolCalls(
  em: EntityManager,
  filter: {
    turnId: string | null;
    conversationId: string | null;
    state: ToolCallState | null;
    userId: string | null;
    after: CallPlace | null;
    limit: number;
  },
): Promise<ToolCallView[]> {
  return query<ToolCallView>(
    em,
    `${selectCalls}
     where ($1::uuid is null or c.turn_id = $1) and ($2::uuid is null or c.conversation_id = $2)
       and ($3::text is null or c.state = $3) and ($4::uuid is null or v.user_id = $4)
       and ($5::uuid is null or c.turn_id < $5
            or c.turn_id = $5 and (c.step, c.position) > ($6::integer, $7::integer))
     order by c.turn_id desc, c.step, c.position limit $8`,
    [
      filter.turnId,
      filter.conversationId,
      filter.state,
      filter.userId,
      filter.after?.turnId ?? null,
      filter.after?.step ?? null,
      filter.after?.position ?? null,
      filter.limit,
    ],
  );
}

/** Lists the calls of a conversation behind a place, those of the oldest turn first and in their order. */
export async function listConversationCalls(
  em: EntityManager,
  conversationId: string,
  { after, limit }: { after: CallPlace | null; limit: number },
): Promise<ToolCallView[]> {
  return query<ToolCallView>(
    em,
    `${selectCalls}
     where c.conversation_id = $1
       and ($2::uuid is null or (c.turn_id, c.step, c.position) > ($2, $3::integer, $4::integer))
     order by c.turn_id, c.step, c.position limit $5`,
    [conversationId, after?.turnId ?? null, after?.step ?? null, after?.position ?? null, limit],
  );
}
