import type { EntityManager } from '@mikro-orm/postgresql';
import type { ModelFault } from '../../contracts/names/model-faults.ts';
import { agentToolsAsJson } from '../agents/agent-tool-repository.ts';
import { query } from '../sql.ts';
import { earlyActivity } from './turn-lease-repository.ts';
import { settleUnknownUsage } from './turn-usage-repository.ts';

/** All that one attempt at a turn needs to know, read under the turn's lock. */
export type TurnContext = {
  turn_id: string;
  conversation_id: string;
  user_id: string;
  state: string;
  kind: 'message' | 'regenerate' | 'edit' | 'retry';
  /** The step that is run next; its row is there if an attempt has begun it. */
  step: number;
  is_step_begun: boolean;
  attempt: number;
  /** Whether the turn was never begun. */
  is_new: boolean;
  cancel_requested: boolean;
  run_id: string | null;
  activity_id: string | null;
  activity_attempt: number | null;
  /** For how many milliseconds yet nobody else goes on with an answer that was begun early; 0 for any other. */
  leased_ms: number;
  /** Turns that were accepted before and have not ended, a hundred at the most; only of a turn that was never begun. */
  behind: string[];
  /** Seconds since the epoch at which the API committed the turn. */
  accepted_at: number;
  /** Seconds of work so far, without the time for which the turn waited for people. */
  worked_seconds: number;
  limit_reached: string | null;
  limits: Record<string, unknown>;
  topic: string | null;
  last_seq: number;
  question: string;
  question_id: string;
  /** The message below which the question hangs. */
  parent_id: string | null;
  agent_id: string;
  system_prompt: string;
  temperature: number | null;
  max_tokens: number | null;
  tools: Array<{ type: 'rag_tool' | 'retrieval_tool' | 'tool'; id: string }>;
  model_id: string;
  model_name: string;
  provider: string;
  provider_model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
  /** Calls of models that failed in this turn. */
  model_faults: ModelFault[];
  /** Whether the model is there, does not rest because it failed too often, and is not to pause for long. */
  model_is_free: boolean;
  /** Whether its calls must be booked: it has limits of its own, or its provider has asked for a pause. */
  model_is_paced: boolean;
};

/**
 * Locks the conversation, then the turn, against every other attempt and reads its context; null if the turn is gone.
 * A message that waited in the queue hangs below what is shown when its turn begins.
 */
export async function lockTurn(
  em: EntityManager,
  turn: { conversationId: string; turnId: string },
): Promise<TurnContext | null> {
  // A statement that waits for a lock sees everything beside the locked row as it was before: so it only locks.
  await query(
    em,
    `with c as materialized (select id from conversations where id = $2 for update)
     select from c join turns t on t.conversation_id = c.id where t.id = $1 for update of t`,
    [turn.turnId, turn.conversationId],
  );
  return readTurnContext(em, turn.turnId);
}

// Of the turn `t`, its conversation `c`, its question `m`, its agent `a` and its model `d`.
const contextColumns = `
  t.id as turn_id, t.conversation_id, c.user_id, t.state, t.kind, t.step, t.attempt,
       exists (select from turn_steps s where s.turn_id = t.id and s.step = t.step) as is_step_begun,
       t.started_at is null as is_new, t.cancel_requested_at is not null as cancel_requested,
       t.run_id, t.activity_id, t.activity_attempt,
       coalesce(greatest(0, ceil(extract(epoch from t.leased_until - clock_timestamp()) * 1000)), 0)::float8 as leased_ms,
       case when t.started_at is not null then '{}'::uuid[] else
         array(select o.id from turns o where o.conversation_id = t.conversation_id and o.number < t.number
            and o.state in ('accepted', 'queued', 'running', 'waiting')
            and (o.started_at is not null or o.cancel_requested_at is null) order by o.number limit 100) end as behind,
       t.limit_reached, t.limits, t.topic,
       extract(epoch from t.created_at)::float8 as accepted_at,
       coalesce(extract(epoch from clock_timestamp() - t.started_at) - t.waited_seconds, 0)::float8 as worked_seconds,
       (select coalesce(max(seq), 0)::float8 from turn_events e where e.turn_id = t.id) as last_seq,
       m.content as question, m.id as question_id,
       case when t.started_at is null and t.kind = 'message' then c.active_message_id else m.parent_id end as parent_id,
       a.id as agent_id, a.system_prompt, a.temperature, a.max_tokens, ${agentToolsAsJson} as tools,
       d.id as model_id, d.name as model_name, d.provider, d.model_id as provider_model_id, d.endpoint, d.api_key,
       d.capabilities, d.pricing, t.model_faults,
       d.is_active and d.deleted_at is null
         and not exists (select from model_circuits c
                         where c.workspace_id = d.workspace_id and c.model_id = d.id and c.openings > 0)
         and not exists (select from rate_limits r
                         where r.workspace_id = d.workspace_id and r.model_id = d.id
                           and r.blocked_until > clock_timestamp() + interval '10 seconds') as model_is_free,
       d.capabilities ?| array['requestsPerMinute', 'tokensPerMinute']
         or exists (select from rate_limits r
                    where r.workspace_id = d.workspace_id and r.model_id = d.id
                      and r.blocked_until > clock_timestamp()) as model_is_paced`;

/** Reads all that an attempt needs to know. The caller holds both locks. */
async function readTurnContext(em: EntityManager, turnId: string): Promise<TurnContext | null> {
  const [row] = await query<TurnContext>(
    em,
    `select ${contextColumns}
     from turns t
     join conversations c on c.id = t.conversation_id
     join messages m on m.id = t.user_message_id
     join agents a on a.id = t.agent_id
     join models d on d.id = t.model_id
     where t.id = $1`,
    [turnId],
  );
  return row ?? null;
}

/**
 * Takes over a turn that nobody has touched, in one statement, if nobody is at work in its conversation and its model may be
 * called: both are locked as by `lockTurn`, its question is put below what is shown, and shown, and nobody else goes on with
 * it for `leaseMs`. Returns the context of before, or null where that may not be. Waits for nothing.
 */
export async function takeUntouchedTurn(
  em: EntityManager,
  turn: { conversationId: string; turnId: string; leaseMs: number },
): Promise<TurnContext | null> {
  const [row] = await query<TurnContext>(
    em,
    `with c as materialized (
       select id, user_id, active_message_id from conversations where id = $2 for update skip locked),
     t as materialized (
       select t.* from c join turns t on t.conversation_id = c.id
       where t.id = $1 and t.state = 'accepted' and t.cancel_requested_at is null
         and not exists (select from turns o where o.conversation_id = $2 and o.id <> $1
                           and o.state in ('accepted', 'queued', 'running', 'waiting'))
       for update of t skip locked),
     context as materialized (
       select ${contextColumns}
       from t
       join c on c.id = t.conversation_id
       join messages m on m.id = t.user_message_id
       join agents a on a.id = t.agent_id
       join models d on d.id = t.model_id),
     free as (select * from context where model_is_free and not is_step_begun),
     taken as (
       update turns u set attempt = greatest(u.attempt, 1), activity_id = $4, activity_attempt = 0,
              leased_until = clock_timestamp() + $3 * interval '1 millisecond', state = 'running',
              started_at = coalesce(u.started_at, now()), updated_at = now()
       from free f where u.id = f.turn_id),
     placed as (
       update messages q set parent_id = f.parent_id
       from free f where q.id = f.question_id and f.is_new and f.kind in ('message', 'edit')
         and q.parent_id is distinct from f.parent_id),
     shown as (
       update conversations v set active_message_id = f.question_id
       from free f where v.id = f.conversation_id and f.is_new and f.kind in ('message', 'edit'))
     select * from free`,
    [turn.turnId, turn.conversationId, turn.leaseMs, earlyActivity],
  );
  return row ?? null;
}

/**
 * Makes `attempt` the only one that may write to the turn, without a lease. `question` is put below what is shown now, and
 * shown. The caller holds both locks.
 */
export async function takeOverTurn(
  em: EntityManager,
  turn: {
    turnId: string;
    attempt: number;
    runId?: string | undefined;
    activityId?: string;
    activityAttempt?: number;
    question?: { id: string; conversationId: string; parentId: string | null } | undefined;
  },
): Promise<void> {
  await query(
    em,
    `with placed as (
       update messages set parent_id = $7 where id = $6 and parent_id is distinct from $7),
     shown as (
       update conversations set active_message_id = $6 where id = $8)
     update turns set attempt = $2, run_id = coalesce($3, run_id), activity_id = $4, activity_attempt = $5,
            leased_until = null, state = 'running', started_at = coalesce(started_at, now()), updated_at = now()
     where id = $1`,
    [
      turn.turnId,
      turn.attempt,
      turn.runId ?? null,
      turn.activityId ?? null,
      turn.activityAttempt ?? null,
      turn.question?.id ?? null,
      turn.question?.parentId ?? null,
      turn.question?.conversationId ?? null,
    ],
  );
}

/** Closes what earlier attempts left open: their step failed, and what their calls cost stays unknown. */
export async function closeEarlierAttempts(em: EntityManager, turnId: string): Promise<void> {
  await query(
    em,
    `update turn_steps set state = 'failed', completed_at = now() where turn_id = $1 and state = 'running'`,
    [turnId],
  );
  await settleUnknownUsage(em, turnId, null);
}

/** The references to tools of the agent of a turn. */
export async function readAgentTools(em: EntityManager, turnId: string): Promise<TurnContext['tools']> {
  const [row] = await query<{ tools: TurnContext['tools'] }>(
    em,
    `select ${agentToolsAsJson} as tools from turns t join agents a on a.id = t.agent_id where t.id = $1`,
    [turnId],
  );
  return row?.tools ?? [];
}

/** Notes the limit because of which a turn must answer now; the first one stays. */
export async function noteLimit(em: EntityManager, turnId: string, limit: string): Promise<void> {
  await query(em, `update turns set limit_reached = coalesce(limit_reached, $2) where id = $1`, [turnId, limit]);
}
