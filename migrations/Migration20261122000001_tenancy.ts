import { Migration } from '@mikro-orm/migrations';

/** Roles, workspaces, users, API keys, idempotency keys and the audit log. */
export class Migration20261122000001_tenancy extends Migration {
  override up(): void {
    this.addSql(`create extension if not exists vector`);
    // Roles belong to the cluster, not to the database: two databases (or two migrations at once) may meet here.
    for (const role of ['perdure_owner', 'perdure_app', 'perdure_operator']) {
      this.addSql(`
        do $$ begin
          if not exists (select from pg_roles where rolname = '${role}') then create role ${role} nologin; end if;
        exception when duplicate_object or unique_violation then null;
        end $$`);
    }
    this.addSql(`
      do $$ begin
        if not (select rolbypassrls from pg_roles where rolname = 'perdure_operator') then
          alter role perdure_operator bypassrls;
        end if;
      end $$`);
    this.addSql(`
      do $$ begin
        execute format('grant perdure_owner, perdure_app, perdure_operator to %I', current_user);
      exception when invalid_grant_operation then null;
      end $$`);
    this.addSql(`
      create table workspaces (
        id uuid primary key,
        name text not null unique check (name <> ''),
        settings jsonb not null default '{}',
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    this.addSql(`
      create table users (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        external_id varchar(255) not null check (external_id <> ''),
        display_name text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (workspace_id, id),
        unique (workspace_id, external_id)
      )`);
    this.addSql(`
      create table api_keys (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null,
        prefix text not null,
        key_hash bytea not null unique,
        role text not null check (role in ('admin', 'member', 'viewer')),
        scopes text[] not null default '{}',
        last_used_at timestamptz,
        expires_at timestamptz,
        revoked_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now()
      )`);
    this.addSql(`create index api_keys_workspace_id_idx on api_keys (workspace_id)`);
    this.addSql(`
      create table idempotency_keys (
        workspace_id uuid not null references workspaces (id) on delete cascade,
        key varchar(255) not null,
        method text not null,
        path text not null,
        request_hash bytea not null,
        response_status integer,
        response_body jsonb,
        created_at timestamptz not null default now(),
        completed_at timestamptz,
        primary key (workspace_id, key)
      )`);
    this.addSql(`create index idempotency_keys_created_at_idx on idempotency_keys (created_at)`);
    this.addSql(`
      create table audit_log (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        actor text not null,
        action text not null,
        entity_type text not null,
        entity_id uuid,
        detail jsonb not null default '{}',
        created_at timestamptz not null default now()
      )`);
    this.addSql(`create index audit_log_workspace_id_created_at_idx on audit_log (workspace_id, created_at desc)`);
  }

  // The roles stay: other databases of the same cluster may use them.
  override down(): void {
    for (const table of ['audit_log', 'idempotency_keys', 'api_keys', 'users', 'workspaces'])
      this.addSql(`drop table ${table}`);
  }
}
