import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['source_syncs', 'source_cursors', 'source_items'];

/** Synchronisation of knowledge sources: its runs, what is left to list, and what was found. */
export class Migration20261122000010_sources extends Migration {
  override up(): void {
    // A sync adds to its job while it runs; what cannot be fetched fails without a generation.
    this.addSql(`
      alter table ingestion_jobs
        add column is_open boolean not null default false,
        add column fetch_failures integer not null default 0 check (fetch_failures >= 0),
        add column fetch_errors jsonb not null default '[]' check (jsonb_typeof(fetch_errors) = 'array'),
        add column source_error jsonb`);
    this.addSql(`alter table knowledge_sources add column applied_schedule jsonb`);
    this.addSql(`
      create index documents_source_status_idx on documents (workspace_id, knowledge_source_id, status)
      where deleted_at is null`);
    this.addSql(`
      create index documents_source_error_idx on documents (workspace_id, knowledge_source_id)
      where error is not null and deleted_at is null`);
    this.addSql(`
      create table source_syncs (
        id uuid primary key,
        workspace_id uuid not null,
        knowledge_source_id uuid not null,
        job_id uuid,
        kind text not null check (kind in ('full', 'items')),
        trigger text not null check (trigger in ('request', 'schedule')),
        state text not null default 'accepted'
          check (state in ('accepted', 'running', 'completed', 'failed', 'cancelled')),
        allow_removals boolean not null default false,
        is_listed boolean not null default false,
        listed_items integer not null default 0 check (listed_items >= 0),
        unchanged_items integer not null default 0 check (unchanged_items >= 0),
        accepted_items integer not null default 0 check (accepted_items >= 0),
        failed_items integer not null default 0 check (failed_items >= 0),
        removed_documents integer not null default 0 check (removed_documents >= 0),
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz,
        completed_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade,
        foreign key (workspace_id, job_id) references ingestion_jobs (workspace_id, id) on delete set null (job_id)
      )`);
    this.addSql(
      `create index source_syncs_source_idx on source_syncs (workspace_id, knowledge_source_id, created_at desc)`,
    );
    this.addSql(`create index source_syncs_job_id_idx on source_syncs (workspace_id, job_id)`);
    this.addSql(`
      create unique index source_syncs_running_key on source_syncs (knowledge_source_id)
      where kind = 'full' and state in ('accepted', 'running')`);
    this.addSql(
      `create index source_syncs_unfinished_idx on source_syncs (updated_at) where state in ('accepted', 'running')`,
    );
    this.addSql(`
      create table source_cursors (
        workspace_id uuid not null,
        sync_id uuid not null,
        cursor_hash bytea not null,
        cursor text,
        is_done boolean not null default false,
        error jsonb,
        created_at timestamptz not null default now(),
        primary key (sync_id, cursor_hash),
        foreign key (workspace_id, sync_id) references source_syncs (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index source_cursors_sync_id_idx on source_cursors (workspace_id, sync_id)`);
    this.addSql(
      `create index source_cursors_waiting_idx on source_cursors (sync_id, created_at, cursor_hash) where not is_done`,
    );
    this.addSql(`
      create table source_items (
        workspace_id uuid not null,
        knowledge_source_id uuid not null,
        path text not null,
        sync_id uuid not null,
        state text not null check (state in ('pending', 'unchanged', 'accepted', 'failed', 'excluded')),
        version text,
        accepted_version text,
        settings_hash bytea,
        document_id uuid,
        description jsonb not null default '{}',
        memory jsonb not null default '{}',
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (workspace_id, knowledge_source_id, path),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade,
        foreign key (workspace_id, document_id) references documents (workspace_id, id) on delete set null (document_id)
      )`);
    this.addSql(`create index source_items_document_id_idx on source_items (workspace_id, document_id)`);
    this.addSql(`create index source_items_pending_idx on source_items (sync_id, path) where state = 'pending'`);
    // A foreign key does not know of soft deletion: this closes the gap between reading a source and writing into it. The
    // lock waits for a delete that is under way.
    this.addSql(`
      create function refuse_documents_of_deleted_sources() returns trigger
      language plpgsql set search_path = public, pg_temp as $function$
      begin
        perform from knowledge_sources
          where workspace_id = new.workspace_id and id = new.knowledge_source_id and deleted_at is null for key share;
        if not found then
          raise exception 'The knowledge source % was deleted.', new.knowledge_source_id using errcode = 'foreign_key_violation';
        end if;
        return new;
      end $function$`);
    this.addSql(`
      create trigger refuse_documents_of_deleted_sources before insert on documents for each row
        when (new.knowledge_source_id is not null) execute function refuse_documents_of_deleted_sources()`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    for (const table of ['source_syncs', 'source_items'])
      this.addSql(`create trigger touch_updated_at before update on ${table} for each row
        when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of ['source_items', 'source_cursors', 'source_syncs']) this.addSql(`drop table ${table}`);
    this.addSql(`drop trigger refuse_documents_of_deleted_sources on documents`);
    this.addSql(`drop function refuse_documents_of_deleted_sources()`);
    this.addSql(`drop index documents_source_error_idx`);
    this.addSql(`drop index documents_source_status_idx`);
    this.addSql(`alter table knowledge_sources drop column applied_schedule`);
    this.addSql(`alter table ingestion_jobs drop column is_open, drop column fetch_failures, drop column fetch_errors,
      drop column source_error`);
  }
}
