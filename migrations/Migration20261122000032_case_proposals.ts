import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['case_proposals', 'case_proposal_passages'];

/** Questions that a model proposes for a data set, passage by passage, until a person accepts them. */
export class Migration20261122000032_case_proposals extends Migration {
  override up(): void {
    this.addSql(`
      create table case_proposals (
        id uuid primary key,
        workspace_id uuid not null,
        dataset_id uuid not null,
        status text not null default 'queued' check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
        configuration jsonb not null,
        restarts integer not null default 0 check (restarts >= 0),
        faulty_since timestamptz,
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        completed_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index case_proposals_dataset_id_idx on case_proposals (workspace_id, dataset_id)`);
    this.addSql(`
      create index case_proposals_unfinished_idx on case_proposals (updated_at) where status in ('queued', 'running')`);
    // The passage itself is read when it is asked about: what was deleted meanwhile is not kept here.
    this.addSql(`
      create table case_proposal_passages (
        proposal_id uuid not null,
        ordinal integer not null check (ordinal >= 0),
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null,
        chunk_index integer not null,
        state text not null default 'pending' check (state in ('pending', 'asking', 'done', 'failed', 'cancelled')),
        attempt integer not null default 0 check (attempt >= 0),
        crashes integer not null default 0 check (crashes >= 0),
        replies jsonb not null default '[]' check (jsonb_typeof(replies) = 'array'),
        proposed integer not null default 0 check (proposed >= 0),
        refused jsonb not null default '[]' check (jsonb_typeof(refused) = 'array'),
        faulty_since timestamptz,
        error jsonb,
        created_at timestamptz not null default now(),
        completed_at timestamptz,
        primary key (proposal_id, ordinal),
        foreign key (workspace_id, proposal_id) references case_proposals (workspace_id, id) on delete cascade
      )`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    this.addSql(`create trigger touch_updated_at before update on case_proposals for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of tables.toReversed()) this.addSql(`drop table ${table}`);
  }
}
