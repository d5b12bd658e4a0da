import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** All that one attempt at a turn needs to know, read under the turn's lock. */
export type TurnContext = {
  turn_id: string;
  conversation_id: string;
  user_id: string;
  state: string;
  attempt: number;
  cancel_requested: boolean;
  /** Seconds since the epoch at which the API committed the turn. */
  accepted_at: number;
  last_seq: number;
  question: string;
  question_sequence: number;
  agent_id: string;
  system_prompt: string;
  temperature: number | null;
  max_tokens: number | null;
  tools: Array<{ type: string; id: string }>;
  model_id: string;
  model_name: string;
  provider: string;
  provider_model_id: string;
  endpoint: string | null;
  api_key: string | null;
  capabilities: Record<string, unknown>;
  pricing: Record<string, unknown>;
};

/** Locks the turn against every other attempt and reads its context; null if the turn is gone. */
export async function lockTurn(em: EntityManager, turnId: string): Promise<TurnContext | null> {
  const [row] = await query<TurnContext>(
    em,
    `select t.id as turn_id, t.conversation_id, c.user_id, t.state, t.attempt,
            t.cancel_requested_at is not null as cancel_requested,
            extract(epoch from t.created_at)::float8 as accepted_at,
            (select coalesce(max(seq), 0)::float8 from turn_events e where e.turn_id = t.id) as last_seq,
            m.content as question, m.sequence::float8 as question_sequence,
            a.id as agent_id, a.system_prompt, a.temperature, a.max_tokens, a.tools,
            d.id as model_id, d.name as model_name, d.provider, d.model_id as provider_model_id, d.endpoint, d.api_key,
            d.capabilities, d.pricing
     from turns t
     join conversations c on c.id = t.conversation_id
     join messages m on m.id = t.user_message_id
     join agents a on a.id = t.agent_id
     join models d on d.id = t.model_id
     where t.id = $1
     for update of t`,
    [turnId],
  );
  return row ?? null;
}

/**
 * Makes `attempt` the only one that may write to the turn. A call that an earlier attempt left open can no longer be
 * known: its usage becomes `unknown`, never zero. The caller holds the turn's lock.
 */
export async function takeOverTurn(
  em: EntityManager,
  turn: { turnId: string; attempt: number; runId: string | null },
): Promise<void> {
  await query(
    em,
    `update turns set attempt = $2, run_id = coalesce($3, run_id), state = 'running', started_at = coalesce(started_at, now()),
            updated_at = now()
     where id = $1`,
    [turn.turnId, turn.attempt, turn.runId],
  );
  if (turn.attempt === 1) return;
  await query(
    em,
    `update turn_steps set state = 'failed', completed_at = now() where turn_id = $1 and state = 'running'`,
    [turn.turnId],
  );
  await settleUnknownUsage(em, turn.turnId);
}

/** Marks the usage of calls whose figures never arrived. */
export async function settleUnknownUsage(em: EntityManager, turnId: string): Promise<void> {
  await query(
    em,
    `update usage_metrics set state = 'unknown', settled_at = now() where turn_id = $1 and state = 'started'`,
    [turnId],
  );
}

/** The exchanges before a question, oldest first, at most `limit`; their order is that of the questions. */
export async function readHistory(
  em: EntityManager,
  conversationId: string,
  beforeSequence: number,
  limit: number,
): Promise<Array<{ question: string; answer: string | null }>> {
  const rows = await query<{ question: string; answer: string | null }>(
    em,
    `select q.content as question, a.content as answer
     from turns t
     join messages q on q.id = t.user_message_id
     left join messages a on a.id = t.assistant_message_id
     where t.conversation_id = $1 and q.sequence < $2
     order by q.sequence desc limit $3`,
    [conversationId, beforeSequence, limit],
  );
  return rows.reverse();
}

/** A step that starts now; an earlier attempt's row of the same step is overwritten, its usage rows are kept. */
export type StepStart = {
  workspaceId: string;
  turnId: string;
  step: number;
  attempt: number;
  kind: 'retrieve' | 'model';
  request: Record<string, unknown>;
};

/** Notes that a step has started, if the attempt still owns the turn; returns whether it does. */
export async function startStep(em: EntityManager, step: StepStart): Promise<boolean> {
  const rows = await query(
    em,
    `insert into turn_steps (workspace_id, turn_id, step, kind, state, attempt, request)
     select $1, t.id, $3, $4, 'running', $5, $6 from turns t
     where t.id = $2 and t.attempt = $5 and t.state = 'running' for share
     on conflict (turn_id, step) do update set kind = excluded.kind, state = 'running', attempt = excluded.attempt,
       request = excluded.request, response = null, started_at = now(), completed_at = null
     returning step`,
    [step.workspaceId, step.turnId, step.step, step.kind, step.attempt, JSON.stringify(step.request)],
  );
  return rows.length > 0;
}

/** Notes how a step ended. */
export async function endStep(
  em: EntityManager,
  step: {
    turnId: string;
    step: number;
    attempt: number;
    state: 'succeeded' | 'failed';
    response: Record<string, unknown>;
  },
): Promise<void> {
  await query(
    em,
    `update turn_steps set state = $4, response = $5, completed_at = now()
     where turn_id = $1 and step = $2 and attempt = $3 and state = 'running'`,
    [step.turnId, step.step, step.attempt, step.state, JSON.stringify(step.response)],
  );
}

/** Writes the row of a paid call before the call is made; its id is the call id that the provider is sent. */
export async function startUsage(
  em: EntityManager,
  usage: {
    callId: string;
    workspaceId: string;
    agentId: string;
    modelId: string;
    turnId: string;
    step: number;
    attempt: number;
    pricing: Record<string, unknown>;
  },
): Promise<void> {
  await query(
    em,
    `insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, turn_id, step, attempt, pricing)
     values ($1, $2, 'agent', $3, $4, $5, $6, $7, $8) on conflict do nothing`,
    [
      usage.callId,
      usage.workspaceId,
      usage.agentId,
      usage.modelId,
      usage.turnId,
      usage.step,
      usage.attempt,
      JSON.stringify(usage.pricing),
    ],
  );
}

/** Figures as the provider gave them; what it did not give stays null. */
export type ProviderUsage = {
  promptTokens: number | null;
  completionTokens: number | null;
  totalTokens: number | null;
};

/**
 * Settles a call's row with the provider's figures. The cost comes from the price that the row copied when the call
 * began (`input_per_million`, `output_per_million`, `currency`), and is null when a figure or the price is unknown.
 */
export async function settleUsage(em: EntityManager, callId: string, usage: ProviderUsage): Promise<void> {
  await query(
    em,
    `with priced as (
       select id, round((($2::numeric * (pricing ->> 'input_per_million')::numeric)
                       + ($3::numeric * (pricing ->> 'output_per_million')::numeric)) / 1000000, 10) as cost,
              pricing ->> 'currency' as currency
       from usage_metrics where id = $1)
     update usage_metrics u
     set prompt_tokens = $2, completion_tokens = $3, total_tokens = $4, settled_at = now(),
         state = case when $4::integer is null then 'unknown' else 'settled' end,
         cost = case when p.currency is null then null else p.cost end,
         currency = case when p.cost is null then null else p.currency end
     from priced p where u.id = p.id and u.state = 'started'`,
    [callId, usage.promptTokens, usage.completionTokens, usage.totalTokens],
  );
}
