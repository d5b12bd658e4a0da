import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** An item with its results, as a reader sees it. */
export type ItemView = {
  ordinal: number;
  case_id: string;
  case_key: string;
  variant: number;
  repetition: number;
  state: 'pending' | 'running' | 'scoring' | 'done' | 'failed' | 'cancelled';
  output: string | null;
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost: string | null;
  currency: string | null;
  latency_ms: number | null;
  error: { code: string; detail: string } | null;
  reused_from: string | null;
  results: Array<{
    metric: string;
    state: 'scored' | 'unscored' | 'not_applicable';
    score: number | null;
    reason: string | null;
    details: Record<string, unknown> | null;
    reused_from: string | null;
  }>;
};

const columns = `
  i.ordinal, i.case_id, i.case_key, i.variant, i.repetition, i.state, i.output, i.prompt_tokens, i.completion_tokens,
  i.cost::text as cost, i.currency, i.latency_ms, i.error, i.reused_from,
  coalesce((select jsonb_agg(jsonb_build_object('metric', r.metric, 'state', r.state, 'score', r.score, 'reason', r.reason,
                                                'details', r.details, 'reused_from', r.reused_from) order by r.metric)
            from evaluation_results r where r.evaluation_id = i.evaluation_id and r.ordinal = i.ordinal), '[]') as results`;

/** Which items of a run are wanted. */
export type ItemPage = {
  evaluationId: string;
  afterOrdinal: number | null;
  limit: number;
  state?: string | null;
  variant?: number | null;
  unscored?: boolean;
};

/** Items of a run in their order, with their results. */
export async function listItems(em: EntityManager, page: ItemPage): Promise<ItemView[]> {
  return query<ItemView>(
    em,
    `select ${columns} from evaluation_items i
     where i.evaluation_id = $1 and ($2::integer is null or i.ordinal > $2) and ($3::text is null or i.state = $3)
       and ($4::integer is null or i.variant = $4)
       and (not $5 or exists (select from evaluation_results u
                              where u.evaluation_id = $1 and u.ordinal = i.ordinal and u.state = 'unscored'))
     order by i.ordinal limit $6`,
    [
      page.evaluationId,
      page.afterOrdinal,
      page.state ?? null,
      page.variant ?? null,
      page.unscored ?? false,
      page.limit,
    ],
  );
}

/** What an auditor sees of an item besides. */
export type ItemAudit = ItemView & {
  input: Record<string, unknown>;
  expected_answer: string | null;
  prompt: unknown;
  contexts: unknown[];
  tool_calls: unknown[];
  turn_ids: string[];
  calls: Array<{
    id: string;
    metric: string;
    position: number | null;
    attempt: number | null;
    state: string;
    request: unknown;
    answer: unknown;
    error: unknown;
    model: string | null;
    prompt_tokens: number | null;
    completion_tokens: number | null;
    cost: string | null;
    currency: string | null;
    started_at: string | null;
  }>;
};

/** Items of a run with everything that was sent and answered, and what each call has cost. */
export async function readItemAudits(
  em: EntityManager,
  page: Pick<ItemPage, 'evaluationId' | 'afterOrdinal' | 'limit'>,
): Promise<ItemAudit[]> {
  return query<ItemAudit>(
    em,
    `with paid as materialized (
       select u.id, u.step, u.attempt, u.state, u.prompt_tokens, u.completion_tokens, u.cost::text as cost, u.currency,
              u."timestamp", m.name as model
       from usage_metrics u left join models m on m.id = u.model_id
       where u.entity_type = 'evaluation' and u.entity_id = $1
         and u.step > coalesce($2::integer, -1)
         and u.step <= (select coalesce(max(ordinal), -1) from (
           select ordinal from evaluation_items where evaluation_id = $1 and ordinal > coalesce($2::integer, -1)
           order by ordinal limit $3) p)),
     calls as (
       select coalesce(c.ordinal, p.step) as ordinal, coalesce(c.created_at, p."timestamp") as at,
              jsonb_build_object('id', coalesce(c.id, p.id), 'metric', coalesce(c.metric, 'target'), 'position', c.position,
                'attempt', coalesce(c.attempt, p.attempt), 'state', coalesce(c.state, p.state), 'request', c.request,
                'answer', c.answer, 'error', c.error, 'model', p.model, 'prompt_tokens', p.prompt_tokens,
                'completion_tokens', p.completion_tokens, 'cost', p.cost, 'currency', p.currency,
                'started_at', to_char(coalesce(c.created_at, p."timestamp") at time zone 'UTC',
                                      'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) as call
       from (select * from evaluation_calls where evaluation_id = $1) c full join paid p on p.id = c.id)
     select ${columns}, c.input, c.expected_answer, i.prompt, i.contexts, i.tool_calls, i.turn_ids,
            coalesce((select jsonb_agg(k.call order by k.at) from calls k where k.ordinal = i.ordinal), '[]') as calls
     from evaluation_items i join evaluation_cases c on c.id = i.case_id
     where i.evaluation_id = $1 and i.ordinal > coalesce($2::integer, -1) order by i.ordinal limit $3`,
    [page.evaluationId, page.afterOrdinal, page.limit],
  );
}

/** What the calls of a run have used: its own, and those of the turns that it held. */
export type RunUsage = {
  calls: number;
  unknown_calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  costs: Array<{ currency: string; amount: string }>;
};

/** Sums what a run has used; sums are of the known figures alone. */
export async function sumRunUsage(em: EntityManager, evaluationId: string): Promise<RunUsage> {
  const [row] = await query<RunUsage>(
    em,
    `with used as (
       select u.state, u.prompt_tokens, u.completion_tokens, u.cost, u.currency from usage_metrics u
       where u.entity_type = 'evaluation' and u.entity_id = $1
       union all
       select u.state, u.prompt_tokens, u.completion_tokens, u.cost, u.currency
       from conversations c join turns t on t.conversation_id = c.id join usage_metrics u on u.turn_id = t.id
       where c.evaluation_id = $1)
     select count(*)::integer as calls, (count(*) filter (where state <> 'settled'))::integer as unknown_calls,
            coalesce(sum(prompt_tokens), 0)::float8 as prompt_tokens,
            coalesce(sum(completion_tokens), 0)::float8 as completion_tokens,
            coalesce((select jsonb_agg(jsonb_build_object('currency', s.currency, 'amount', s.amount::text))
                      from (select currency, sum(cost) as amount from used where currency is not null group by currency) s),
                     '[]') as costs
     from used`,
    [evaluationId],
  );
  return row!;
}
