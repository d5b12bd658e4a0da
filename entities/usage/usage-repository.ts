import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** Totals of one group of model calls; sums are of the known figures alone. */
export type UsageTotal = {
  key: string | null;
  name: string | null;
  calls: number;
  unknown_calls: number;
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
  costs: Array<{ currency: string; amount: string }>;
};

const groups = {
  model: { key: 'u.model_id::text', name: 'max(models.name)' },
  agent: { key: 'u.agent_id::text', name: 'max(agents.name)' },
  user: { key: 'users.external_id', name: 'max(users.display_name)' },
  tool: { key: 'u.tool_id::text', name: 'max(coalesce(rag_tools.name, retrieval_tools.name))' },
  hour: { key: `to_char(u.at at time zone $3, 'YYYY-MM-DD"T"HH24:00')`, name: 'null::text' },
  day: { key: `to_char(u.at at time zone $3, 'YYYY-MM-DD')`, name: 'null::text' },
} as const;

/**
 * Sums the usage that began in [from, to) by model, agent, user, tool, or hour or day of a time zone; open ends are null.
 * What began before single rows were deleted is taken from the sums of its hours, which stand for their beginning.
 */
export async function sumUsage(
  em: EntityManager,
  options: { groupBy: keyof typeof groups; from: string | null; to: string | null; timeZone: string },
): Promise<UsageTotal[]> {
  const { key, name } = groups[options.groupBy];
  return query<UsageTotal>(
    em,
    `with counted as (
       select m.model_id, case when m.entity_type = 'agent' then m.entity_id end as agent_id,
              case when m.entity_type in ('rag_tool', 'retrieval_tool') then m.entity_id end as tool_id,
              case when m.entity_type = 'memory' then m.entity_id else conversations.user_id end as user_id,
              m."timestamp" as at, m.currency, 1 as calls,
              (m.total_tokens is null)::int as unknown_calls, m.prompt_tokens, m.completion_tokens, m.total_tokens, m.cost
       from usage_metrics m
       left join usage_progress p on p.workspace_id = m.workspace_id
       left join turns on turns.id = m.turn_id
       left join conversations on conversations.id = turns.conversation_id
       where p.raw_from is null or m."timestamp" >= p.raw_from
       union all
       select t.model_id, t.agent_id, t.tool_id, t.user_id, t.starts_at, t.currency, t.calls, t.unknown_calls,
              t.prompt_tokens, t.completion_tokens, t.total_tokens, t.cost
       from usage_totals t join usage_progress p on p.workspace_id = t.workspace_id
       where t.grain = 'hour' and t.starts_at < p.raw_from),
     totals as (
       select ${key} as key, ${name} as name, u.currency, sum(u.calls)::int as calls,
              sum(u.unknown_calls)::int as unknown_calls, coalesce(sum(u.prompt_tokens), 0)::float8 as prompt_tokens,
              coalesce(sum(u.completion_tokens), 0)::float8 as completion_tokens,
              coalesce(sum(u.total_tokens), 0)::float8 as total_tokens, sum(u.cost) as cost
       from counted u
       left join models on models.id = u.model_id
       left join agents on agents.id = u.agent_id
       left join rag_tools on rag_tools.id = u.tool_id
       left join retrieval_tools on retrieval_tools.id = u.tool_id
       left join users on users.id = u.user_id
       where ($1::timestamptz is null or u.at >= $1) and ($2::timestamptz is null or u.at < $2)
         and $3::text is not null
       group by 1, u.currency)
     select key, max(name) as name, sum(calls)::int as calls, sum(unknown_calls)::int as unknown_calls,
            sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
            sum(total_tokens) as total_tokens,
            coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'amount', cost::text) order by currency)
                     filter (where currency is not null), '[]') as costs
     from totals group by key order by key nulls last`,
    [options.from, options.to, options.timeZone],
  );
}
