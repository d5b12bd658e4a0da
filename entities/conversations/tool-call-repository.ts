import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { queueFrom, sqlTime } from '../webhooks/queue-events.ts';
import type { ToolCallState } from './tool-call-state.ts';

/** A call that a model has asked for, as it enters the ledger. */
export type ProposedCall = {
  id: string;
  position: number;
  providerCallId: string;
  toolType: 'rag_tool' | 'retrieval_tool' | 'tool' | 'builtin' | null;
  toolId: string | null;
  toolName: string;
  toolVersion: number | null;
  effect: 'read' | 'write';
  idempotent: boolean;
  timeoutMs: number;
  maxResultBytes: number;
  /** Null where the model's text is no object of JSON. */
  arguments: Record<string, unknown> | null;
  argumentsHash: string;
  /** Why the call cannot be run; null if it can. */
  invalid: { code: string; detail: string } | null;
  /** The approval that it waits for. */
  approval: { id: string; expiresAt: Date } | null;
};

/** Writes the calls of one step with their approvals; those that cannot be run have ended at once. */
export async function writeCalls(
  em: EntityManager,
  step: { workspaceId: string; conversationId: string; turnId: string; step: number },
  calls: readonly ProposedCall[],
): Promise<void> {
  await query(
    em,
    `insert into tool_calls (id, workspace_id, conversation_id, turn_id, step, position, provider_call_id, tool_type, tool_id,
                             tool_name, tool_version, effect, idempotent, timeout_ms, max_result_bytes, arguments,
                             arguments_hash, state, error, result, finished_at)
     select g.id, $1, $2, $3, $4, g.position, g."providerCallId", g."toolType", g."toolId", g."toolName", g."toolVersion",
            g.effect, g.idempotent, g."timeoutMs", g."maxResultBytes", g.arguments, g."argumentsHash",
            case when g.invalid is null then 'proposed' else 'invalid' end, g.invalid, g.invalid ->> 'detail',
            case when g.invalid is not null then now() end
     from jsonb_to_recordset($5::jsonb) as g (
       id uuid, position integer, "providerCallId" text, "toolType" text, "toolId" uuid, "toolName" text,
       "toolVersion" integer, effect text, idempotent boolean, "timeoutMs" integer, "maxResultBytes" integer,
       arguments jsonb, "argumentsHash" text, invalid jsonb)`,
    [
      step.workspaceId,
      step.conversationId,
      step.turnId,
      step.step,
      // A null of JSON must become one of SQL.
      JSON.stringify(
        calls.map(({ arguments: given, invalid, ...call }) => ({
          ...call,
          ...(given === null ? {} : { arguments: given }),
          ...(invalid === null ? {} : { invalid }),
        })),
      ),
    ],
  );
  const asked = calls.filter((call) => call.approval !== null);
  if (asked.length === 0) return;
  await query(
    em,
    `with asked as (
       insert into approvals (id, workspace_id, tool_call_id, arguments_hash, expires_at)
       select g.id, $1, g.call, g.hash, g.expires_at
       from unnest($2::uuid[], $3::uuid[], $4::text[], $5::timestamptz[]) as g (id, call, hash, expires_at)
       returning *),
     happened as (
       select a.workspace_id, 'approval.waiting'::text as event, 'approval/' || a.id as key,
              jsonb_build_object('approval_id', a.id, 'tool_call_id', a.tool_call_id,
                'conversation_id', c.conversation_id, 'turn_id', c.turn_id, 'tool_name', c.tool_name,
                'arguments_hash', a.arguments_hash, 'expires_at', ${sqlTime('a.expires_at')}) as data
       from asked a join tool_calls c on c.id = a.tool_call_id)
     ${queueFrom('happened')}`,
    [
      step.workspaceId,
      asked.map((call) => call.approval?.id),
      asked.map((call) => call.id),
      asked.map((call) => call.argumentsHash),
      asked.map((call) => call.approval?.expiresAt),
    ],
  );
}

/** A call without a result, and for what of a person it waits. */
export type OpenCallRow = {
  id: string;
  step: number;
  wait: 'approval' | 'review' | null;
  expires_at: Date | null;
  effect: 'read' | 'write';
  timeout_ms: number;
};

/** The calls of a turn that have no result yet, in their order. */
export async function listOpenCalls(em: EntityManager, turnId: string): Promise<OpenCallRow[]> {
  return query<OpenCallRow>(
    em,
    `select c.id, c.step, c.effect, c.timeout_ms, a.expires_at,
            case when c.state = 'needs_review' then 'review'
                 when c.state = 'proposed' and a.state = 'waiting' then 'approval' end as wait
     from tool_calls c left join approvals a on a.tool_call_id = c.id
     where c.turn_id = $1 and c.state in ('proposed', 'approved', 'executing', 'needs_review')
     order by c.step, c.position`,
    [turnId],
  );
}

/** A call under its lock and its turn's, with what is needed to run it. */
export type LockedCall = {
  id: string;
  workspace_id: string;
  conversation_id: string;
  turn_id: string;
  step: number;
  provider_call_id: string;
  tool_type: 'rag_tool' | 'retrieval_tool' | 'tool' | 'builtin' | null;
  tool_id: string | null;
  tool_name: string;
  tool_version: number | null;
  effect: 'read' | 'write';
  idempotent: boolean;
  timeout_ms: number;
  max_result_bytes: number;
  arguments: Record<string, unknown> | null;
  arguments_hash: string;
  state: ToolCallState;
  attempts: number;
  approval_state: 'waiting' | 'approved' | 'denied' | 'expired' | 'cancelled' | null;
  approval_hash: string | null;
  expires_at: Date | null;
  changed_arguments: Record<string, unknown> | null;
  decided_by: string | null;
  decided_at: Date | null;
  settlement: 'confirmed_succeeded' | 'confirmed_failed' | 'run_again' | null;
  turn_state: string;
  turn_attempt: number;
  agent_id: string;
  user_id: string;
};

/** Locks the call's turn, then the call; null if there is none. */
export async function lockCall(em: EntityManager, callId: string): Promise<LockedCall | null> {
  // A statement that waits for a lock sees everything beside the locked row as it was before: so it only locks.
  await query(
    em,
    `with t as materialized (
       select id from turns where id = (select turn_id from tool_calls where id = $1) for update)
     select from t join tool_calls c on c.turn_id = t.id where c.id = $1 for update of c`,
    [callId],
  );
  const [row] = await query<LockedCall>(
    em,
    `select c.id, c.workspace_id, c.conversation_id, c.turn_id, c.step, c.provider_call_id, c.tool_type, c.tool_id,
            c.tool_name, c.tool_version, c.effect, c.idempotent, c.timeout_ms, c.max_result_bytes, c.arguments,
            c.arguments_hash, c.state, c.attempts, c.settlement, a.state as approval_state,
            a.arguments_hash as approval_hash, a.expires_at, a.changed_arguments, a.decided_by, a.decided_at,
            t.state as turn_state, t.attempt as turn_attempt, t.agent_id,
            (select user_id from conversations v where v.id = c.conversation_id) as user_id
     from tool_calls c join turns t on t.id = c.turn_id left join approvals a on a.tool_call_id = c.id
     where c.id = $1`,
    [callId],
  );
  return row ?? null;
}

/** Notes that the call is about to have its effect; returns how many times it was begun. The caller holds its lock. */
export async function startCall(em: EntityManager, callId: string): Promise<number> {
  const [row] = await query<{ attempts: number }>(
    em,
    `update tool_calls set state = 'executing', attempts = attempts + 1, started_at = coalesce(started_at, now())
     where id = $1 returning attempts`,
    [callId],
  );
  return row?.attempts ?? 0;
}

/** Notes that nothing was started, so that the call may be run again. The caller holds its lock. */
export async function releaseCall(em: EntityManager, callId: string): Promise<void> {
  await query(em, `update tool_calls set state = 'approved' where id = $1`, [callId]);
}

/** What a call gave, for the model and for those who look at it. */
export type CallOutcome = {
  state: 'succeeded' | 'failed' | 'denied' | 'expired' | 'cancelled';
  result: string;
  resultBytes: number;
  truncated: boolean;
  passages: readonly unknown[];
  error: { code: string; detail: string } | null;
};

/** Writes the end of a call. The caller holds its lock. */
export async function finishCall(em: EntityManager, callId: string, outcome: CallOutcome): Promise<void> {
  await query(
    em,
    `update tool_calls set state = $2, result = $3, result_bytes = $4, truncated = $5, passages = $6, error = $7,
            finished_at = now()
     where id = $1`,
    [
      callId,
      outcome.state,
      outcome.result,
      outcome.resultBytes,
      outcome.truncated,
      JSON.stringify(outcome.passages),
      outcome.error && JSON.stringify(outcome.error),
    ],
  );
}

/** Leaves a call whose outcome is unknown to a person. The caller holds its lock. */
export async function leaveToReview(
  em: EntityManager,
  callId: string,
  error: { code: string; detail: string },
): Promise<void> {
  await query(
    em,
    `update tool_calls set state = 'needs_review', error = $2, settlement = null, settled_at = null, settled_by = null
     where id = $1`,
    [callId, JSON.stringify(error)],
  );
}

/** Notes how a person has settled an unknown outcome; `run_again` opens the call again. The caller holds its lock. */
export async function noteSettlement(
  em: EntityManager,
  callId: string,
  by: string,
  settlement: 'confirmed_succeeded' | 'confirmed_failed' | 'run_again',
): Promise<void> {
  await query(
    em,
    `update tool_calls set settlement = $2, settled_by = $3, settled_at = now(),
            state = case when $2 = 'run_again' then 'approved' else state end
     where id = $1`,
    [callId, settlement, by],
  );
}

/**
 * Ends what a turn that ends has left open: calls that were not begun, and reads. A write that is under way, or whose
 * outcome is unknown, stays in the ledger as it is. The caller holds the turn's lock.
 */
export async function cancelOpenCalls(em: EntityManager, turnId: string): Promise<void> {
  await query(
    em,
    `with ended as (
       update tool_calls set state = 'cancelled', finished_at = now()
       where turn_id = $1 and (state in ('proposed', 'approved') or state = 'executing' and effect = 'read')
       returning id)
     update approvals a set state = 'cancelled', decided_at = now()
     from ended e where a.tool_call_id = e.id and a.state = 'waiting'`,
    [turnId],
  );
}

/** Says whether the turn works or waits for people, and how long it has waited. The caller holds the turn's lock. */
export async function noteWaiting(em: EntityManager, turnId: string): Promise<void> {
  await query(
    em,
    `with open as (
       select c.state = 'needs_review' or coalesce(c.state = 'proposed' and a.state = 'waiting', false) as waits
       from tool_calls c left join approvals a on a.tool_call_id = c.id
       where c.turn_id = $1 and c.state in ('proposed', 'approved', 'executing', 'needs_review')),
     now_waiting as (select coalesce(bool_and(waits), false) as waits from open)
     update turns t
     set state = case when w.waits then 'waiting' else 'running' end,
         waiting_since = case when w.waits then coalesce(t.waiting_since, clock_timestamp()) end,
         waited_seconds = t.waited_seconds + case when w.waits or t.waiting_since is null then 0
                                                  else extract(epoch from clock_timestamp() - t.waiting_since) end,
         updated_at = now()
     from now_waiting w where t.id = $1 and t.state in ('running', 'waiting')`,
    [turnId],
  );
}

/** The results of a turn's calls, by step and position. */
export type CallResultRow = {
  id: string;
  step: number;
  provider_call_id: string;
  tool_name: string;
  state: ToolCallState;
  result: string | null;
  passages: unknown[];
};

/** Reads the calls of a turn that have ended, in the order in which they were asked for. */
export async function readCallResults(em: EntityManager, turnId: string): Promise<CallResultRow[]> {
  return query<CallResultRow>(
    em,
    `select id, step, provider_call_id, tool_name, state, result, passages from tool_calls
     where turn_id = $1 and finished_at is not null order by step, position`,
    [turnId],
  );
}
