import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import type { EvaluationKey } from './evaluation-repository.ts';

/** A conversation that an evaluation holds for one item; no list of conversations shows it. */
export type HeldConversation = EvaluationKey & {
  conversationId: string;
  agentId: string;
  userId: string;
  title: string;
  /** Values for the variables of prompts. */
  metadata: Record<string, unknown>;
};

/** Makes the conversation, unless it is there. */
export async function holdConversation(em: EntityManager, held: HeldConversation): Promise<void> {
  await query(
    em,
    `insert into conversations (id, workspace_id, agent_id, user_id, title, title_by, model_name, metadata, evaluation_id)
     select $1, $2, a.id, $4, $5, 'user', m.name, $6, $7
     from agents a join models m on m.id = a.model_id where a.id = $3 on conflict do nothing`,
    [
      held.conversationId,
      held.workspaceId,
      held.agentId,
      held.userId,
      held.title,
      JSON.stringify(held.metadata),
      held.evaluationId,
    ],
  );
}

/** A turn of a held conversation, with what it gave. */
export type HeldTurnRow = {
  conversation_id: string;
  turn_id: string;
  agent_id: string;
  state: 'accepted' | 'queued' | 'running' | 'waiting' | 'completed' | 'failed' | 'cancelled';
  error: { code: string; detail: string } | null;
  answer: string | null;
  elapsed_ms: number | null;
};

/** The turns of held conversations, in their order. */
export async function readHeldTurns(em: EntityManager, conversationIds: readonly string[]): Promise<HeldTurnRow[]> {
  return query<HeldTurnRow>(
    em,
    `select t.conversation_id, t.id as turn_id, t.agent_id, t.state, t.error, m.content as answer,
            (extract(epoch from t.completed_at - t.created_at) * 1000)::double precision as elapsed_ms
     from turns t left join messages m on m.id = t.assistant_message_id
     where t.conversation_id = any($1::uuid[]) order by t.conversation_id, t.created_at, t.id`,
    [conversationIds],
  );
}

/** What the last turn of a held conversation has used, and what all of them have cost. */
export type HeldTurnUse = {
  passages: Record<string, unknown>[];
  tool_calls: { name: string; arguments: unknown }[];
  prompt_tokens: number | null;
  completion_tokens: number | null;
  /** Null where the figures of a call are not known, or calls have several currencies. */
  cost: string | null;
  currency: string | null;
};

/** Reads what turns have used; the passages and calls are those of `lastTurnId`. */
export async function readHeldTurnUse(
  em: EntityManager,
  { turnIds, lastTurnId }: { turnIds: readonly string[]; lastTurnId: string },
): Promise<HeldTurnUse> {
  const [row] = await query<HeldTurnUse>(
    em,
    `select
       coalesce((select jsonb_agg(p order by s.step) from turn_steps s
                 cross join jsonb_array_elements(coalesce(s.response -> 'passages', '[]')) p
                 where s.turn_id = $2 and s.kind = 'retrieve' and s.state = 'succeeded'), '[]')
         || coalesce((select jsonb_agg(p order by c.step, c.position) from tool_calls c
                      cross join jsonb_array_elements(c.passages) p where c.turn_id = $2), '[]') as passages,
       coalesce((select jsonb_agg(jsonb_build_object('name', c.tool_name, 'arguments', c.arguments)
                                  order by array_position($1::uuid[], c.turn_id), c.step, c.position)
                 from tool_calls c where c.turn_id = any($1::uuid[])), '[]') as tool_calls,
       u.*
     from (select sum(prompt_tokens)::integer as prompt_tokens, sum(completion_tokens)::integer as completion_tokens,
                  case when bool_and(cost is not null) and count(distinct currency) = 1 then sum(cost)::text end as cost,
                  case when bool_and(cost is not null) and count(distinct currency) = 1 then min(currency) end as currency
           from usage_metrics where turn_id = any($1::uuid[])) u`,
    [turnIds, lastTurnId],
  );
  return row!;
}

/** The open items of a run of conversations: those under way, and as many as are wanted of those to come. */
export async function readHeldItems(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  lanes: number,
): Promise<{ under: number[]; next: number[]; waiting: number }> {
  const [row] = await query<{ under: number[]; next: number[]; waiting: number }>(
    em,
    `with open as (select ordinal, state from evaluation_items where evaluation_id = $1 and state in ('pending', 'running')),
     under as (select ordinal from open where state = 'running' order by ordinal)
     select array(select ordinal from under) as under,
            array(select ordinal from open where state = 'pending' order by ordinal
                  limit greatest(0, $2::integer - (select count(*) from under))) as next,
            (select count(*) from open where state = 'pending')::integer as waiting`,
    [evaluationId, lanes],
  );
  return row!;
}

/** Notes that the conversation of an item has begun, and gives the number of the attempt; null if the run has ended, or the item has no conversation to begin. */
export async function beginHeldItem(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  ordinal: number,
): Promise<number | null> {
  const [row] = await query<{ attempt: number }>(
    em,
    `update evaluation_items i set state = 'running', attempt = i.attempt + 1, started_at = coalesce(i.started_at, now())
     from (select id from evaluations where id = $1 and status = 'running' for share) e
     where i.evaluation_id = e.id and i.ordinal = $2 and i.state = 'pending' returning i.attempt`,
    [evaluationId, ordinal],
  );
  return row?.attempt ?? null;
}

/** The cases of items that conversations are held for. */
export type HeldItem = {
  ordinal: number;
  attempt: number;
  variant: number;
  input: {
    question?: string;
    messages?: { role: 'user' | 'assistant'; content: string }[];
    variables?: Record<string, unknown>;
  };
};

/** Reads items by their numbers. */
export async function readItemCases(
  em: EntityManager,
  { evaluationId }: EvaluationKey,
  ordinals: readonly number[],
): Promise<HeldItem[]> {
  return query<HeldItem>(
    em,
    `select i.ordinal, i.attempt, i.variant, c.input
     from evaluation_items i join evaluation_cases c on c.id = i.case_id
     where i.evaluation_id = $1 and i.ordinal = any($2::integer[]) order by i.ordinal`,
    [evaluationId, ordinals],
  );
}
