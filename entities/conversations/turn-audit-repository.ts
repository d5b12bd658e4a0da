import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnEventKind } from '../../contracts/names/turn-events.ts';
import { query } from '../sql.ts';
import type { StepKind } from './turn-step-repository.ts';

/** What a turn's row tells beside what every reader of it sees. */
export type AuditedTurn = {
  kind: 'message' | 'regenerate' | 'edit' | 'retry';
  replaces_turn_id: string | null;
  topic: string | null;
  limits: Record<string, unknown>;
  limit_reached: 'steps' | 'tokens' | 'seconds' | 'cost' | null;
  waited_seconds: number;
  user: string;
  agent_name: string | null;
  templates: Array<{ id: string; name: string | null; version: number }>;
};

/** Reads the rest of a turn's row with the names of what it was served with. */
export async function readAuditedTurn(em: EntityManager, turnId: string): Promise<AuditedTurn | null> {
  const [row] = await query<AuditedTurn>(
    em,
    `select t.kind, t.replaces_turn_id, t.topic, t.limits, t.limit_reached, t.waited_seconds::float8 as waited_seconds,
            u.external_id as "user", a.name as agent_name,
            coalesce((
              select json_agg(json_build_object('id', v.key, 'name', p.name, 'version', v.value::integer) order by v.key)
              from jsonb_each_text(coalesce(t.versions -> 'templates', '{}')) as v
              left join prompt_templates p on p.id = v.key::uuid), '[]') as templates
     from turns t join conversations c on c.id = t.conversation_id join users u on u.id = c.user_id
     left join agents a on a.id = t.agent_id
     where t.id = $1`,
    [turnId],
  );
  return row ?? null;
}

/** A step of a turn, whatever its state. */
export type AuditedStep = {
  step: number;
  kind: StepKind;
  state: 'running' | 'succeeded' | 'failed';
  attempt: number;
  request: Record<string, unknown>;
  response: Record<string, unknown> | null;
  started_at: Date;
  completed_at: Date | null;
};

/** Reads the steps of a turn in their order. */
export async function readAuditedSteps(em: EntityManager, turnId: string): Promise<AuditedStep[]> {
  return query<AuditedStep>(
    em,
    `select step, kind, state, attempt, request, response, started_at, completed_at
     from turn_steps where turn_id = $1 order by step`,
    [turnId],
  );
}

/** One paid call of a turn. */
export type AuditedUsage = {
  call_id: string;
  step: number | null;
  attempt: number | null;
  model_id: string;
  model: string | null;
  state: 'started' | 'settled' | 'unknown';
  prompt_tokens: number | null;
  completion_tokens: number | null;
  total_tokens: number | null;
  cost: string | null;
  currency: string | null;
  pricing: Record<string, unknown>;
  started_at: Date;
  settled_at: Date | null;
};

/** Reads the paid calls of a turn by step and attempt. */
export async function readAuditedUsage(em: EntityManager, turnId: string): Promise<AuditedUsage[]> {
  return query<AuditedUsage>(
    em,
    `select u.id as call_id, u.step, u.attempt, u.model_id, m.name as model, u.state, u.prompt_tokens,
            u.completion_tokens, u.total_tokens, u.cost::text as cost, u.currency, u.pricing,
            u."timestamp" as started_at, u.settled_at
     from usage_metrics u left join models m on m.id = u.model_id
     where u.turn_id = $1 order by u.step, u.attempt, u."timestamp"`,
    [turnId],
  );
}

/** Sums the paid calls of a turn; what is unknown adds nothing and is counted apart. */
export async function sumTurnUsage(
  em: EntityManager,
  turnId: string,
): Promise<{
  calls: number;
  unknown_calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  costs: Array<{ currency: string; amount: string }>;
}> {
  const [row] = await query<Awaited<ReturnType<typeof sumTurnUsage>>>(
    em,
    `with paid as (select * from usage_metrics where turn_id = $1)
     select count(*)::integer as calls, (count(*) filter (where total_tokens is null))::integer as unknown_calls,
            coalesce(sum(prompt_tokens), 0)::float8 as prompt_tokens,
            coalesce(sum(completion_tokens), 0)::float8 as completion_tokens,
            coalesce(sum(total_tokens), 0)::float8 as total_tokens,
            coalesce((select json_agg(json_build_object('currency', currency, 'amount', amount) order by currency) from (
              select currency, sum(cost)::text as amount from paid where currency is not null group by currency) as c),
              '[]') as costs
     from paid`,
    [turnId],
  );
  return row!;
}

/** An event of a turn with the moment of its commit. */
export type AuditedEvent = {
  seq: number;
  at: Date;
  attempt: number;
  kind: TurnEventKind;
  data: Record<string, unknown>;
};

/** Reads the events of a turn without its pieces of text. */
export async function readAuditedEvents(em: EntityManager, turnId: string): Promise<AuditedEvent[]> {
  const rows = await query<Omit<AuditedEvent, 'seq'> & { seq: string }>(
    em,
    `select seq, created_at as at, attempt, kind, data from turn_events
     where turn_id = $1 and kind not in ('text_delta', 'reasoning_delta') order by seq`,
    [turnId],
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}
