import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

// A row whose transaction began before a run and was committed after it would otherwise be missed by the next.
const overlap = `interval '10 minutes'`;
// A call is settled this long after it began at the latest; what comes later still is found once a day.
const settledWithin = `interval '3 days'`;

/** Workspaces that have usage, for the operator role. */
export async function listWorkspacesWithUsage(em: EntityManager): Promise<string[]> {
  const rows = await query<{ id: string }>(
    em,
    `select w.id from workspaces w
     where exists (select from usage_metrics m where m.workspace_id = w.id) order by w.id`,
  );
  return rows.map(({ id }) => id);
}

/**
 * Sums the usage of a workspace up by hour and by day, from where the last run has ended: each hour in which a call began or
 * was settled since then is summed up anew, and so are all that differ from their rows in the first run of a day. Holds the
 * workspace's progress, so of several runs at once one waits; a repetition changes nothing.
 */
export async function sumUpUsage(
  em: EntityManager,
  workspaceId: string,
): Promise<{ hours: number; rows: number; mended: number }> {
  await query(
    em,
    `insert into usage_progress (workspace_id, counted_to) values ($1, '-infinity') on conflict do nothing`,
    [workspaceId],
  );
  const [progress] = await query<{ fresh: boolean; isNewDay: boolean }>(
    em,
    `select counted_to = '-infinity' as fresh,
            date_trunc('day', counted_to, 'UTC') < date_trunc('day', now(), 'UTC') as "isNewDay"
     from usage_progress where workspace_id = $1 for update`,
    [workspaceId],
  );
  const changed = await query<{ hour: Date }>(
    em,
    `select distinct date_trunc('hour', m."timestamp", 'UTC') as hour
     from usage_metrics m join usage_progress p on p.workspace_id = m.workspace_id
     where m.workspace_id = $1 and (p.raw_from is null or m."timestamp" >= p.raw_from)
       and ($2 or m."timestamp" >= p.counted_to - ${overlap} - ${settledWithin}
                  and greatest(m."timestamp", m.settled_at) >= p.counted_to - ${overlap})`,
    [workspaceId, progress!.fresh],
  );
  const hours = new Map(changed.map(({ hour }) => [hour.getTime(), hour]));
  const differing = progress!.isNewDay && !progress!.fresh ? await findDifferingHours(em, workspaceId) : [];
  const mended = differing.filter(({ hour }) => !hours.has(hour.getTime()));
  for (const { hour } of mended) hours.set(hour.getTime(), hour);
  const rows = hours.size === 0 ? 0 : await sumUpHours(em, workspaceId, [...hours.values()]);
  await query(em, `update usage_progress set counted_to = now() where workspace_id = $1`, [workspaceId]);
  return { hours: hours.size, rows, mended: mended.length };
}

async function sumUpHours(em: EntityManager, workspaceId: string, hours: Date[]): Promise<number> {
  await query(
    em,
    `delete from usage_totals where workspace_id = $1 and grain = 'hour' and starts_at = any($2::timestamptz[])`,
    [workspaceId, hours],
  );
  const written = await query<{ id: string }>(
    em,
    `insert into usage_totals (id, workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id,
       currency, calls, unknown_calls, prompt_tokens, completion_tokens, total_tokens, cost)
     select ${idOf}, workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id, currency,
            count(*), count(*) filter (where total_tokens is null), coalesce(sum(prompt_tokens), 0),
            coalesce(sum(completion_tokens), 0), coalesce(sum(total_tokens), 0), sum(cost)
     from (
       select m.workspace_id, 'hour' as grain, date_trunc('hour', m."timestamp", 'UTC') as starts_at, m.entity_type,
              m.model_id, case when m.entity_type = 'agent' then m.entity_id end as agent_id,
              case when m.entity_type in ('rag_tool', 'retrieval_tool') then m.entity_id end as tool_id,
              case when m.entity_type = 'memory' then m.entity_id else c.user_id end as user_id,
              m.currency, m.prompt_tokens, m.completion_tokens, m.total_tokens, m.cost
       from unnest($2::timestamptz[]) as h (hour)
       join usage_metrics m on m.workspace_id = $1 and m."timestamp" >= h.hour
         and m."timestamp" < h.hour + interval '1 hour'
       left join turns t on t.id = m.turn_id
       left join conversations c on c.id = t.conversation_id) raw
     group by workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id, currency
     returning id`,
    [workspaceId, hours],
  );
  await query(
    em,
    `delete from usage_totals where workspace_id = $1 and grain = 'day'
       and starts_at in (select date_trunc('day', h, 'UTC') from unnest($2::timestamptz[]) as h)`,
    [workspaceId, hours],
  );
  await query(
    em,
    `insert into usage_totals (id, workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id,
       currency, calls, unknown_calls, prompt_tokens, completion_tokens, total_tokens, cost)
     select ${idOf}, workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id, currency,
            sum(calls), sum(unknown_calls), sum(prompt_tokens), sum(completion_tokens), sum(total_tokens), sum(cost)
     from (
       select u.workspace_id, 'day' as grain, date_trunc('day', u.starts_at, 'UTC') as starts_at, u.entity_type, u.model_id,
              u.agent_id, u.tool_id, u.user_id, u.currency, u.calls, u.unknown_calls, u.prompt_tokens,
              u.completion_tokens, u.total_tokens, u.cost
       from (select distinct date_trunc('day', h, 'UTC') as day from unnest($2::timestamptz[]) as h) d
       join usage_totals u on u.workspace_id = $1 and u.grain = 'hour' and u.starts_at >= d.day
         and u.starts_at < d.day + interval '24 hours') hourly
     group by workspace_id, grain, starts_at, entity_type, model_id, agent_id, tool_id, user_id, currency`,
    [workspaceId, hours],
  );
  return written.length;
}

const idOf = `md5(concat_ws('/', workspace_id, grain, extract(epoch from starts_at), entity_type, model_id,
              coalesce(agent_id::text, '-'), coalesce(tool_id::text, '-'), coalesce(user_id::text, '-'),
              coalesce(currency, '-')))::uuid`;

/** An hour whose sums are not those of its rows, or a day whose sums are not those of its hours. */
export type DifferingHour = { workspaceId: string; hour: Date; summed: string; rows: string };

/**
 * Compares the sums of every hour whose rows are still there with these rows, for the operator role, in one workspace or
 * (null) in all. Hours in which something changed since the last run are left out: they are still to be summed up.
 */
export async function findDifferingHours(em: EntityManager, workspaceId: string | null): Promise<DifferingHour[]> {
  return query<DifferingHour>(
    em,
    `with raw as (
       select m.workspace_id, date_trunc('hour', m."timestamp", 'UTC') as hour, coalesce(m.currency, '') as currency,
              count(*) as calls, count(*) filter (where m.total_tokens is null) as unknown_calls,
              coalesce(sum(m.prompt_tokens), 0) as prompt_tokens,
              coalesce(sum(m.completion_tokens), 0) as completion_tokens,
              coalesce(sum(m.total_tokens), 0) as total_tokens, coalesce(sum(m.cost), 0) as cost,
              bool_or(greatest(m."timestamp", m.settled_at) >= p.counted_to - ${overlap}) as is_changed
       from usage_metrics m join usage_progress p on p.workspace_id = m.workspace_id
       where ($1::uuid is null or m.workspace_id = $1) and (p.raw_from is null or m."timestamp" >= p.raw_from)
       group by 1, 2, 3),
     summed as (
       select u.workspace_id, u.starts_at as hour, coalesce(u.currency, '') as currency, sum(u.calls) as calls,
              sum(u.unknown_calls) as unknown_calls, sum(u.prompt_tokens) as prompt_tokens,
              sum(u.completion_tokens) as completion_tokens, sum(u.total_tokens) as total_tokens,
              coalesce(sum(u.cost), 0) as cost
       from usage_totals u join usage_progress p on p.workspace_id = u.workspace_id
       where u.grain = 'hour' and ($1::uuid is null or u.workspace_id = $1)
         and (p.raw_from is null or u.starts_at >= p.raw_from)
       group by 1, 2, 3),
     compared as (
       select workspace_id, hour, bool_or(coalesce(r.is_changed, false)) as is_changed,
              string_agg(concat_ws(' ', currency, coalesce(s.calls, 0), coalesce(s.unknown_calls, 0),
                                   coalesce(s.prompt_tokens, 0), coalesce(s.completion_tokens, 0),
                                   coalesce(s.total_tokens, 0), trim_scale(coalesce(s.cost, 0))), ', ' order by currency)
                as summed,
              string_agg(concat_ws(' ', currency, coalesce(r.calls, 0), coalesce(r.unknown_calls, 0),
                                   coalesce(r.prompt_tokens, 0), coalesce(r.completion_tokens, 0),
                                   coalesce(r.total_tokens, 0), trim_scale(coalesce(r.cost, 0))), ', ' order by currency)
                as rows
       from raw r full join summed s using (workspace_id, hour, currency)
       group by workspace_id, hour)
     select workspace_id as "workspaceId", hour, summed, rows from compared where not is_changed and summed <> rows
     order by workspace_id, hour`,
    [workspaceId],
  );
}

/** Days whose sums are not those of their hours, for the operator role. */
export async function findDifferingDays(em: EntityManager): Promise<DifferingHour[]> {
  return query<DifferingHour>(
    em,
    `with sums as (
       select workspace_id, date_trunc('day', starts_at, 'UTC') as day, grain,
              concat_ws(' ', sum(calls), sum(unknown_calls), sum(prompt_tokens), sum(completion_tokens),
                        sum(total_tokens), trim_scale(coalesce(sum(cost), 0))) as sums
       from usage_totals group by 1, 2, 3)
     select workspace_id as "workspaceId", day as hour, coalesce(d.sums, 'nothing') as summed,
            coalesce(h.sums, 'nothing') as rows
     from (select * from sums where grain = 'day') d full join (select * from sums where grain = 'hour') h
       using (workspace_id, day)
     where d.sums is distinct from h.sums order by 1, 2`,
  );
}
