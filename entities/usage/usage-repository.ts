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
  model: { key: 'm.model_id::text', name: 'max(models.name)' },
  agent: { key: `case when m.entity_type = 'agent' then m.entity_id::text end`, name: 'max(agents.name)' },
  user: { key: 'users.external_id', name: 'max(users.display_name)' },
  day: { key: `to_char(m."timestamp" at time zone $3, 'YYYY-MM-DD')`, name: 'null::text' },
} as const;

/** Sums the usage that began in [from, to) by model, agent, user or day of a time zone; open ends are null. */
export async function sumUsage(
  em: EntityManager,
  options: { groupBy: keyof typeof groups; from: string | null; to: string | null; timeZone: string },
): Promise<UsageTotal[]> {
  const { key, name } = groups[options.groupBy];
  return query<UsageTotal>(
    em,
    `with totals as (
       select ${key} as key, ${name} as name, m.currency,
              count(*)::int as calls, (count(*) filter (where m.total_tokens is null))::int as unknown_calls,
              coalesce(sum(m.prompt_tokens), 0)::float8 as prompt_tokens,
              coalesce(sum(m.completion_tokens), 0)::float8 as completion_tokens,
              coalesce(sum(m.total_tokens), 0)::float8 as total_tokens, sum(m.cost) as cost
       from usage_metrics m
       left join models on models.id = m.model_id
       left join agents on m.entity_type = 'agent' and agents.id = m.entity_id
       left join turns on turns.id = m.turn_id
       left join conversations on conversations.id = turns.conversation_id
       left join users on users.id = conversations.user_id
       where ($1::timestamptz is null or m."timestamp" >= $1) and ($2::timestamptz is null or m."timestamp" < $2)
         and $3::text is not null
       group by 1, m.currency)
     select key, max(name) as name, sum(calls)::int as calls, sum(unknown_calls)::int as unknown_calls,
            sum(prompt_tokens) as prompt_tokens, sum(completion_tokens) as completion_tokens,
            sum(total_tokens) as total_tokens,
            coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'amount', cost::text) order by currency)
                     filter (where currency is not null), '[]') as costs
     from totals group by key order by key nulls last`,
    [options.from, options.to, options.timeZone],
  );
}
