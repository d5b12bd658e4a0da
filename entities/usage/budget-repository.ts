import type { EntityManager } from '@mikro-orm/postgresql';
import { resumeRefusedDocuments } from '../documents/resume-refused-documents.ts';
import { query } from '../sql.ts';
import { queueEvents, sqlTime } from '../webhooks/queue-events.ts';

/** A budget as a reader sees it; `spent` is what was known when it was last summed up. */
export type BudgetRow = {
  id: string;
  workspace_id: string;
  name: string;
  agent_id: string | null;
  user: string | null;
  amount: string;
  currency: string;
  time_zone: string;
  on_exceeded: 'notify' | 'refuse';
  period_start: Date | null;
  period_end: Date | null;
  spent: string;
  held: string;
  unknown_calls: number;
  warned_at: Date | null;
  exceeded_at: Date | null;
  refused_at: Date | null;
  looked_at: Date | null;
  created_at: Date;
  updated_at: Date;
  /** Names of models whose calls it cannot count, those without a price and those with one in another currency. */
  unpriced: string[];
  foreign: string[];
};

const columns = `b.id, b.workspace_id, b.name, b.agent_id, u.external_id as "user", trim_scale(b.amount)::text as amount,
  b.currency, b.time_zone, b.on_exceeded, b.period_start, b.period_end, trim_scale(b.spent)::text as spent,
  trim_scale(b.held)::text as held, b.unknown_calls, b.warned_at, b.exceeded_at, b.refused_at, b.looked_at, b.created_at, b.updated_at`;

// Of the budget `b`: chat models of its agent, or all models that somebody may have called and that cost anything.
const uncounted = (which: string) => `array(
  select d.name from models d
  where d.workspace_id = b.workspace_id and d.deleted_at is null and d.is_active
    and d.provider not in ('local', 'extractive') and ${which}
    and (b.agent_id is null or exists (
      select from agents a where a.id = b.agent_id and (a.model_id = d.id or a.fallback_models ? d.id::text)))
  order by d.name)`;
const unpriced = `(coalesce(d.pricing ->> 'input_per_million', d.pricing ->> 'output_per_million') is null)`;

/** The budgets of the workspace by name, or the one of that name. */
export async function listBudgets(em: EntityManager, name: string | null): Promise<BudgetRow[]> {
  return query<BudgetRow>(
    em,
    `select ${columns}, ${uncounted(unpriced)} as unpriced,
            ${uncounted(`not ${unpriced} and d.pricing ->> 'currency' <> b.currency`)} as "foreign"
     from budgets b left join users u on u.id = b.user_id
     where $1::text is null or b.name = $1 order by b.name`,
    [name],
  );
}

/** Writes the budget of that name, whether there was one or not; returns its id. */
export async function putBudget(
  em: EntityManager,
  budget: {
    id: string;
    workspaceId: string;
    name: string;
    agentId: string | null;
    userId: string | null;
    amount: number;
    currency: string;
    timeZone: string;
    onExceeded: 'notify' | 'refuse';
  },
): Promise<string> {
  const [row] = await query<{ id: string }>(
    em,
    `insert into budgets (id, workspace_id, name, agent_id, user_id, amount, currency, time_zone, on_exceeded)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (workspace_id, name) do update
     set agent_id = excluded.agent_id, user_id = excluded.user_id, amount = excluded.amount, currency = excluded.currency,
         time_zone = excluded.time_zone, on_exceeded = excluded.on_exceeded, refused_at = null
     returning id`,
    [
      budget.id,
      budget.workspaceId,
      budget.name,
      budget.agentId,
      budget.userId,
      budget.amount,
      budget.currency,
      budget.timeZone,
      budget.onExceeded,
    ],
  );
  return row!.id;
}

/** Deletes the budget of that name; false if there is none. */
export async function deleteBudget(em: EntityManager, name: string): Promise<boolean> {
  return (await query(em, `delete from budgets where name = $1 returning id`, [name])).length > 0;
}

/**
 * Takes budgets of all workspaces that are to be summed up again, those for the longest time first. Whoever takes long is
 * looked at less often, so that all of it takes no more than a fiftieth of the time, however many calls a month has.
 */
export async function claimDueBudgets(em: EntityManager, most: number): Promise<{ id: string; workspaceId: string }[]> {
  return query(
    em,
    `update budgets b set looked_at = now()
     from (select id from budgets
           where looked_at is null or looked_at + greatest(interval '4 seconds', look_ms * interval '50 milliseconds') <= now()
           order by looked_at nulls first limit $1 for update skip locked) due
     where b.id = due.id returning b.id, b.workspace_id as "workspaceId"`,
    [most],
  );
}

type Look = {
  name: string;
  amount: string;
  currency: string;
  spent: string;
  period: string;
  period_end: string;
  warned: boolean;
  exceeded: boolean;
  refused: boolean;
  renewed: boolean;
};

/**
 * Sums up what the calls of the month cost, from the moment each began and in the budget's currency alone, and drops what
 * was held back for them. Writes the events of 80 and 100 per cent when they are first seen, the latter also when a call was
 * refused: once for a month and an amount. Documents that were refused have another chance in a new month. Returns how many
 * limits were reached.
 */
export async function sumUpBudget(em: EntityManager, id: string): Promise<number> {
  const began = performance.now();
  const [held] = await query<{ workspace_id: string }>(
    em,
    `select workspace_id from budgets where id = $1 for no key update`,
    [id],
  );
  if (!held) return 0;
  const [look] = await query<Look>(
    em,
    `with month as (
       select b.*, date_trunc('month', now() at time zone b.time_zone) at time zone b.time_zone as starts,
              (date_trunc('month', now() at time zone b.time_zone) + interval '1 month') at time zone b.time_zone as ends
       from budgets b where b.id = $1),
     used as (
       select coalesce(sum(u.cost) filter (where u.currency = m.currency), 0) as cost,
              (count(*) filter (where u.state <> 'started' and (u.cost is null or u.currency <> m.currency)
                                       and refused.call_id is null))::integer as unknown
       from month m join usage_metrics u on u.workspace_id = m.workspace_id and u."timestamp" >= m.starts
       left join budget_holds refused on refused.workspace_id = m.workspace_id and refused.budget_id = m.id
         and refused.call_id = u.id and refused.amount = 0
       where m.agent_id is null and m.user_id is null
          or exists (select from turns t join conversations c on c.id = t.conversation_id
                     where t.id = u.turn_id and (m.agent_id is null or t.agent_id = m.agent_id)
                       and (m.user_id is null or c.user_id = m.user_id))
          or u.entity_type = 'memory' and u.entity_id = m.user_id and m.agent_id is null),
     -- In the statement of the sum, so that no call is counted by neither or by both.
     open as (
       select h.call_id, h.amount from month m join budget_holds h on h.workspace_id = m.workspace_id and h.budget_id = m.id
       join usage_metrics u on u.id = h.call_id and u."timestamp" >= m.starts and u.cost is null),
     dropped as (
       delete from budget_holds h using month m
       where h.workspace_id = m.workspace_id and h.budget_id = m.id and h.call_id not in (select call_id from open))
     update budgets b
     set period_start = m.starts, period_end = m.ends, spent = s.cost, unknown_calls = s.unknown,
         held = (select coalesce(sum(amount), 0) from open), looked_at = now(),
         warned_at = case when s.cost >= 0.8 * m.amount
           then coalesce(case when m.period_start = m.starts then m.warned_at end, now()) end,
         exceeded_at = case when s.cost >= m.amount
           then coalesce(case when m.period_start = m.starts then m.exceeded_at end, now()) end
     from month m, used s where b.id = m.id
     returning b.name, trim_scale(b.amount)::text as amount, b.currency, trim_scale(b.spent)::text as spent,
               to_char(b.period_start at time zone b.time_zone, 'YYYY-MM') as period,
               ${sqlTime('b.period_end')} as period_end,
               coalesce(b.warned_at = now(), false) as warned, coalesce(b.exceeded_at = now(), false) as exceeded,
               coalesce(b.refused_at >= b.period_start, false) as refused,
               coalesce(m.refused_at < m.starts and m.period_start < m.starts, false) as renewed`,
    [id],
  );
  await query(em, `update budgets set look_ms = $2 where id = $1`, [id, Math.ceil(performance.now() - began)]);
  if (!look) return 0;
  if (look.renewed) await resumeRefusedDocuments(em, held.workspace_id);
  const { name, amount, currency, spent, period, period_end } = look;
  const crossed = [
    ...(look.warned ? [{ event: 'budget.warning' as const, percent: 80 }] : []),
    ...(look.exceeded || look.refused ? [{ event: 'budget.exceeded' as const, percent: 100 }] : []),
  ];
  await queueEvents(
    em,
    crossed.map(({ event, percent }) => ({
      workspaceId: held.workspace_id,
      event,
      key: `budget/${id}/${period}/${percent}/${amount}`,
      data: { budget: name, percent, amount, spent, currency, period, period_end },
    })),
  );
  return Number(look.warned) + Number(look.exceeded);
}
