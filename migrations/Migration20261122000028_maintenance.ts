import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['maintenance_reports', 'usage_totals', 'usage_progress'];

/** What maintenance saw, decided and did; and usage summed up by hour and day, which outlives the rows it was summed from. */
export class Migration20261122000028_maintenance extends Migration {
  override up(): void {
    // A report without a workspace is about the whole server: the operator alone sees it.
    this.addSql(`
      create table maintenance_reports (
        id uuid primary key,
        workspace_id uuid references workspaces (id) on delete cascade,
        task text not null check (task <> ''),
        subject text not null default '',
        schedule text,
        workflow_id text not null,
        run_id text not null,
        state text not null check (state in ('running', 'done', 'failed')),
        saw jsonb not null default '{}' check (jsonb_typeof(saw) = 'object'),
        decided text not null default '',
        reason text not null default '',
        did jsonb not null default '{}' check (jsonb_typeof(did) = 'object'),
        error jsonb,
        started_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        finished_at timestamptz,
        unique (workflow_id, run_id, task, subject),
        constraint maintenance_reports_finished_check check ((state = 'running') = (finished_at is null)),
        constraint maintenance_reports_error_check check ((state = 'failed') = (error is not null))
      )`);
    this.addSql(
      `create index maintenance_reports_workspace_id_started_at_idx on maintenance_reports (workspace_id, started_at)`,
    );
    this.addSql(`create index maintenance_reports_started_at_idx on maintenance_reports (started_at)`);
    this.addSql(`
      create table usage_totals (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        grain text not null check (grain in ('hour', 'day')),
        starts_at timestamptz not null,
        entity_type text not null
          check (entity_type in ('agent', 'rag_tool', 'retrieval_tool', 'document', 'evaluation')),
        model_id uuid not null,
        agent_id uuid,
        tool_id uuid,
        user_id uuid,
        currency char(3),
        calls integer not null check (calls > 0),
        unknown_calls integer not null check (unknown_calls >= 0),
        prompt_tokens bigint not null check (prompt_tokens >= 0),
        completion_tokens bigint not null check (completion_tokens >= 0),
        total_tokens bigint not null check (total_tokens >= 0),
        cost numeric(24, 10) check (cost >= 0),
        created_at timestamptz not null default now(),
        constraint usage_totals_cost_currency_check check ((cost is null) = (currency is null))
      )`);
    this.addSql(
      `create index usage_totals_workspace_id_grain_starts_at_idx on usage_totals (workspace_id, grain, starts_at)`,
    );
    this.addSql(`
      create table usage_progress (
        workspace_id uuid primary key references workspaces (id) on delete cascade,
        counted_to timestamptz not null,
        raw_from timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    for (const table of ['maintenance_reports', 'usage_progress'])
      this.addSql(`create trigger touch_updated_at before update on ${table} for each row
        when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of tables.toReversed()) this.addSql(`drop table ${table}`);
  }
}
