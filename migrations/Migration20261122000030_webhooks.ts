import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['webhooks', 'webhook_deliveries', 'budgets'];

/** Who is told of events, what is on its way to them, and what a month may cost. */
export class Migration20261122000030_webhooks extends Migration {
  override up(): void {
    this.addSql(`
      create table webhooks (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        url text not null,
        description text not null default '',
        events text[] not null check (cardinality(events) > 0),
        secret text not null,
        previous_secret text,
        previous_secret_until timestamptz,
        is_enabled boolean not null default true,
        disable_after_hours integer check (disable_after_hours > 0),
        failing_since timestamptz,
        disabled_reason text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        constraint webhooks_previous_secret_check check ((previous_secret is null) = (previous_secret_until is null))
      )`);
    // The event is written with what it tells of; the key has a webhook told of it once, whoever writes it again.
    this.addSql(`
      create table webhook_deliveries (
        id uuid primary key,
        workspace_id uuid not null,
        webhook_id uuid not null,
        event text not null,
        event_key text not null,
        payload jsonb not null check (jsonb_typeof(payload) = 'object'),
        state text not null default 'pending' check (state in ('pending', 'delivered', 'dead')),
        attempts integer not null default 0 check (attempts >= 0),
        last_status integer,
        last_error jsonb,
        last_attempt_at timestamptz,
        delivered_at timestamptz,
        due_at timestamptz not null default now(),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (webhook_id, event_key),
        foreign key (workspace_id, webhook_id) references webhooks (workspace_id, id) on delete cascade,
        constraint webhook_deliveries_delivered_check check ((state = 'delivered') = (delivered_at is not null))
      )`);
    this.addSql(`create index webhook_deliveries_created_at_idx on webhook_deliveries (workspace_id, created_at, id)`);
    this.addSql(`create index webhook_deliveries_webhook_id_idx on webhook_deliveries (workspace_id, webhook_id)`);
    this.addSql(`create index webhook_deliveries_pending_idx on webhook_deliveries (due_at) where state = 'pending'`);
    this.addSql(`
      create table budgets (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        agent_id uuid,
        user_id uuid,
        amount numeric(20, 10) not null check (amount > 0),
        currency char(3) not null,
        time_zone text not null default 'UTC',
        on_exceeded text not null default 'notify' check (on_exceeded in ('notify', 'refuse')),
        period_start timestamptz,
        period_end timestamptz,
        spent numeric(24, 10) not null default 0 check (spent >= 0),
        unknown_calls integer not null default 0 check (unknown_calls >= 0),
        warned_at timestamptz,
        exceeded_at timestamptz,
        looked_at timestamptz,
        look_ms integer not null default 0 check (look_ms >= 0),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (workspace_id, name),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade,
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade,
        constraint budgets_period_check check ((period_start is null) = (period_end is null))
      )`);
    this.addSql(`create index budgets_agent_id_idx on budgets (workspace_id, agent_id)`);
    this.addSql(`create index budgets_user_id_idx on budgets (workspace_id, user_id)`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
      this.addSql(`create trigger touch_updated_at before update on ${table} for each row
        when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
    }
  }

  override down(): void {
    for (const table of tables.toReversed()) this.addSql(`drop table ${table}`);
  }
}
