import { Migration } from '@mikro-orm/migrations';

/**
 * Workspaces, users, API keys, idempotency keys and the audit log. Migrations run as `perdure_owner`; the roles and the
 * vector extension exist by then (platform/prepare-database.ts), for they belong to the cluster and its administrator.
 */
export class Migration20261122000001_tenancy extends Migration {
  override up(): void {
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

  override down(): void {
    for (const table of ['audit_log', 'idempotency_keys', 'api_keys', 'users', 'workspaces'])
      this.addSql(`drop table ${table}`);
  }
}
