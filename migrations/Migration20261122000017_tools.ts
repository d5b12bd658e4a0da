import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

/** Tools of agents: calls of other services' APIs and what is built in, with every version of their configuration. */
export class Migration20261122000017_tools extends Migration {
  override up(): void {
    this.addSql(`
      create table tools (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        type text not null check (type in ('api', 'builtin')),
        version integer not null default 1 check (version > 0),
        configuration jsonb not null default '{}' check (jsonb_typeof(configuration) = 'object'),
        parameters jsonb not null default '{}' check (jsonb_typeof(parameters) = 'object'),
        credentials text check (credentials like 'sealed:%'),
        effect text not null check (effect in ('read', 'write')),
        idempotent boolean not null default false,
        approval jsonb not null default '{"mode": "never"}' check (jsonb_typeof(approval) = 'object'),
        timeout_ms integer not null default 30000 check (timeout_ms between 100 and 600000),
        max_result_bytes integer not null default 16384 check (max_result_bytes between 256 and 1048576),
        is_active boolean not null default true,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id)
      )`);
    this.addSql(`create unique index tools_name_key on tools (workspace_id, name) where deleted_at is null`);
    this.addSql(`
      create table tool_versions (
        tool_id uuid not null,
        version integer not null check (version > 0),
        workspace_id uuid not null,
        snapshot jsonb not null check (jsonb_typeof(snapshot) = 'object'),
        created_at timestamptz not null default now(),
        primary key (tool_id, version),
        foreign key (workspace_id, tool_id) references tools (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index tool_versions_tool_idx on tool_versions (workspace_id, tool_id)`);
    for (const table of ['tools', 'tool_versions']) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    this.addSql(`create trigger touch_updated_at before update on tools for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of ['tool_versions', 'tools']) this.addSql(`drop table ${table}`);
  }
}
