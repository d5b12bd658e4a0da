import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const function_ = 'hold_budget(uuid, bigint, bigint)';

/** What a call may cost at most is held back in the budgets that refuse, before it is made. */
export class Migration20261122000036_budget_holds extends Migration {
  override up(): void {
    this.addSql(`
      alter table budgets
        add column held numeric(24, 10) not null default 0 check (held >= 0),
        add column refused_at timestamptz,
        add unique (workspace_id, id)`);
    this.addSql(`
      create table budget_holds (
        workspace_id uuid not null,
        budget_id uuid not null,
        call_id uuid not null,
        amount numeric(20, 10) not null check (amount >= 0),
        created_at timestamptz not null default now(),
        primary key (workspace_id, budget_id, call_id),
        foreign key (workspace_id, budget_id) references budgets (workspace_id, id) on delete cascade
      )`);
    this.addSql(`alter table budget_holds enable row level security`);
    this.addSql(`create policy workspace_isolation on budget_holds to perdure_app using (${isolated})`);
    this.addSql(`create policy operator_access on budget_holds to perdure_operator using (true)`);
    this.addSql(holdBudget);
    this.addSql(`alter function ${function_} owner to perdure_owner`);
    this.addSql(`revoke all on function ${function_} from public`);
    this.addSql(`grant execute on function ${function_} to perdure_app, perdure_operator`);
  }

  override down(): void {
    this.addSql(`drop function ${function_}`);
    this.addSql(`drop table budget_holds`);
    this.addSql(`
      alter table budgets drop constraint budgets_workspace_id_id_key, drop column refused_at, drop column held`);
  }
}

// The lock on the budgets has calls decided one after the other. What is taken is what was summed up last, and of every call
// held back since what it cost, or the most it may cost while nobody knows. The sum drops the holds of the calls that it
// counts, in one statement, so that a call is counted by it or by its hold. Calls under way may turn out to cost less: where
// that might make room, the answer is to wait. A hold of 0 is that of a call that was refused, and so costs nothing.
const holdBudget = `
  create function hold_budget(call uuid, most_input bigint, most_output bigint) returns jsonb
  language plpgsql volatile security definer set search_path = public, pg_temp as $function$
  declare
    asked usage_metrics;
    most numeric;
    b record;
    taken numeric;
    under_way numeric;
    waits boolean := false;
    holding uuid[] := '{}';
  begin
    select * into asked from usage_metrics where id = call;
    if asked.pricing ->> 'currency' is null then return null; end if;
    most := round((most_input * coalesce((asked.pricing ->> 'input_per_million')::numeric, 0)
                   + most_output * coalesce((asked.pricing ->> 'output_per_million')::numeric, 0)) / 1000000, 10);
    if most = 0 then return null; end if;
    for b in
      select id, name, amount, spent, period_start,
             date_trunc('month', now() at time zone time_zone) at time zone time_zone as starts
      from budgets
      where workspace_id = asked.workspace_id and on_exceeded = 'refuse' and currency = asked.pricing ->> 'currency'
        and (agent_id is null and user_id is null
             or exists (select from turns t join conversations c on c.id = t.conversation_id
                        where t.id = asked.turn_id and (budgets.agent_id is null or t.agent_id = budgets.agent_id)
                          and (budgets.user_id is null or c.user_id = budgets.user_id))
             or asked.entity_type = 'memory' and asked.entity_id = user_id and agent_id is null)
      order by id for no key update
    loop
      select coalesce(sum(coalesce(u.cost, h.amount)) filter (where u.state <> 'started'), 0),
             coalesce(sum(h.amount) filter (where u.state = 'started'), 0) into taken, under_way
      from budget_holds h join usage_metrics u on u.id = h.call_id
      where h.workspace_id = asked.workspace_id and h.budget_id = b.id and u.id <> call and u."timestamp" >= b.starts;
      if b.period_start = b.starts then taken := taken + b.spent; end if;
      if taken + most > b.amount then
        update budgets set refused_at = now() where id = b.id;
        insert into budget_holds (workspace_id, budget_id, call_id, amount)
        select asked.workspace_id, o.id, call, 0 from budgets o where o.workspace_id = asked.workspace_id
        on conflict (workspace_id, budget_id, call_id) do update set amount = 0;
        return jsonb_build_object('budget', b.name, 'currency', asked.pricing ->> 'currency',
                                  'most', trim_scale(most)::text, 'left', trim_scale(greatest(b.amount - taken, 0))::text);
      end if;
      waits := waits or taken + under_way + most > b.amount;
      holding := holding || b.id;
    end loop;
    if waits then return jsonb_build_object('waits', true); end if;
    insert into budget_holds (workspace_id, budget_id, call_id, amount)
    select asked.workspace_id, budget, call, most from unnest(holding) budget
    on conflict (workspace_id, budget_id, call_id) do update set amount = excluded.amount;
    return null;
  end $function$`;
