import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = [
  'evaluation_datasets',
  'evaluation_dataset_versions',
  'evaluation_cases',
  'evaluation_items',
  'evaluation_results',
  'evaluation_calls',
  'evaluation_pacing',
  'evaluation_histories',
];

/** Data sets in versions, and runs of evaluations with a row for each case, variant, repetition and metric. */
export class Migration20261122000023_evaluations extends Migration {
  override up(): void {
    this.addSql(`
      create table evaluation_datasets (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        version integer not null default 0 check (version >= 0),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id)
      )`);
    this.addSql(`
      create unique index evaluation_datasets_name_key on evaluation_datasets (workspace_id, name)
      where deleted_at is null`);
    this.addSql(`
      create table evaluation_dataset_versions (
        dataset_id uuid not null,
        version integer not null check (version > 0),
        workspace_id uuid not null,
        content_hash text not null,
        case_count integer not null check (case_count >= 0),
        origin jsonb not null default '{}',
        created_at timestamptz not null default now(),
        primary key (dataset_id, version),
        foreign key (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade
      )`);
    // A version is the accepted cases from their first version to their last: unchanged cases are stored once.
    this.addSql(`
      create table evaluation_cases (
        id uuid primary key,
        workspace_id uuid not null,
        dataset_id uuid not null,
        case_key text not null check (case_key <> ''),
        position integer not null check (position >= 0),
        state text not null default 'accepted' check (state in ('accepted', 'proposed', 'rejected')),
        first_version integer check (first_version > 0),
        last_version integer check (last_version >= first_version),
        input jsonb not null check (jsonb_typeof(input) = 'object'),
        expected_answer text,
        expected_documents jsonb not null default '[]' check (jsonb_typeof(expected_documents) = 'array'),
        expected_chunks jsonb not null default '[]' check (jsonb_typeof(expected_chunks) = 'array'),
        expected_tool_calls jsonb check (jsonb_typeof(expected_tool_calls) = 'array'),
        is_unanswerable boolean not null default false,
        tags text[] not null default '{}',
        metadata jsonb not null default '{}',
        content_hash text not null,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (workspace_id, id),
        foreign key (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id) on delete cascade,
        check ((state = 'accepted') = (first_version is not null))
      )`);
    this.addSql(`create index evaluation_cases_dataset_id_idx on evaluation_cases (dataset_id, position)`);
    this.addSql(`
      create unique index evaluation_cases_key_key on evaluation_cases (dataset_id, case_key)
      where state = 'accepted' and last_version is null`);
    this.addSql(`
      alter table evaluations
        add column dataset_id uuid,
        add column dataset_version integer,
        add column dataset_hash text,
        add column configuration jsonb not null default '{}',
        add column target jsonb not null default '{}',
        add column baseline_id uuid,
        add column rerun_of uuid,
        add column reuse boolean not null default false,
        add column git_revision text,
        add column verdict text check (verdict in ('passed', 'failed', 'incomplete')),
        add column verdict_reasons jsonb not null default '[]' check (jsonb_typeof(verdict_reasons) = 'array'),
        add column run_id text,
        add column restarts integer not null default 0 check (restarts >= 0),
        add column error jsonb,
        add column started_at timestamptz,
        add foreign key (workspace_id, dataset_id) references evaluation_datasets (workspace_id, id)
          on delete no action deferrable,
        add foreign key (workspace_id, baseline_id) references evaluations (workspace_id, id)
          on delete set null (baseline_id),
        add foreign key (workspace_id, rerun_of) references evaluations (workspace_id, id) on delete set null (rerun_of)`);
    this.addSql(`create index evaluations_dataset_id_idx on evaluations (workspace_id, dataset_id)`);
    this.addSql(`create index evaluations_baseline_id_idx on evaluations (workspace_id, baseline_id)`);
    this.addSql(`create index evaluations_rerun_of_idx on evaluations (workspace_id, rerun_of)`);
    this.addSql(`
      create index evaluations_unfinished_idx on evaluations (updated_at)
      where status in ('queued', 'running') and dataset_id is not null`);
    // One number names an item, in ranges that workflows hand out: variant, repetition, then the case's place.
    this.addSql(`
      create table evaluation_items (
        evaluation_id uuid not null,
        ordinal integer not null check (ordinal >= 0),
        workspace_id uuid not null,
        case_id uuid not null,
        case_key text not null,
        variant integer not null check (variant >= 0),
        repetition integer not null check (repetition >= 0),
        state text not null default 'pending'
          check (state in ('pending', 'running', 'scoring', 'done', 'failed', 'cancelled')),
        attempt integer not null default 0 check (attempt >= 0),
        item_hash text not null,
        output text,
        prompt jsonb,
        contexts jsonb not null default '[]',
        tool_calls jsonb not null default '[]',
        turn_ids jsonb not null default '[]',
        prompt_tokens integer check (prompt_tokens >= 0),
        completion_tokens integer check (completion_tokens >= 0),
        cost numeric(20, 10) check (cost >= 0),
        currency char(3),
        latency_ms double precision,
        faulty_since timestamptz,
        crashes integer not null default 0 check (crashes >= 0),
        error jsonb,
        reused_from uuid,
        created_at timestamptz not null default now(),
        started_at timestamptz,
        completed_at timestamptz,
        primary key (evaluation_id, ordinal),
        foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, case_id) references evaluation_cases (workspace_id, id) on delete no action deferrable
      )`);
    this.addSql(`
      create index evaluation_items_hash_idx on evaluation_items (workspace_id, item_hash) where state = 'done'`);
    this.addSql(`
      create table evaluation_results (
        evaluation_id uuid not null,
        ordinal integer not null,
        metric text not null,
        workspace_id uuid not null,
        state text not null check (state in ('scored', 'unscored', 'not_applicable')),
        score double precision,
        reason text,
        details jsonb,
        metric_hash text not null,
        reused_from uuid,
        created_at timestamptz not null default now(),
        primary key (evaluation_id, ordinal, metric),
        foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade,
        check ((state = 'scored') = (score is not null)),
        check (state = 'scored' or reason is not null)
      )`);
    this.addSql(`
      create table evaluation_calls (
        id uuid primary key,
        workspace_id uuid not null,
        evaluation_id uuid not null,
        ordinal integer not null,
        metric text not null,
        position integer not null check (position >= 0),
        attempt integer not null check (attempt > 0),
        state text not null default 'started' check (state in ('started', 'answered', 'failed')),
        request jsonb not null,
        request_hash text not null,
        answer jsonb,
        error jsonb,
        created_at timestamptz not null default now(),
        settled_at timestamptz,
        foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index evaluation_calls_item_idx on evaluation_calls (evaluation_id, ordinal)`);
    this.addSql(`
      create table evaluation_pacing (
        evaluation_id uuid not null,
        key text not null,
        workspace_id uuid not null,
        next_at timestamptz,
        faulty_since timestamptz,
        created_at timestamptz not null default now(),
        primary key (evaluation_id, key),
        foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade
      )`);
    this.addSql(`
      create table evaluation_histories (
        evaluation_id uuid not null,
        run_id text not null,
        part integer not null check (part >= 0),
        workspace_id uuid not null,
        data bytea not null,
        created_at timestamptz not null default now(),
        primary key (evaluation_id, run_id, part),
        foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id) on delete cascade
      )`);
    // Conversations that an evaluation holds are no user's own, and are left out of lists.
    this.addSql(`
      alter table conversations
        add column evaluation_id uuid,
        add foreign key (workspace_id, evaluation_id) references evaluations (workspace_id, id)
          on delete set null (evaluation_id)`);
    this.addSql(`create index conversations_evaluation_id_idx on conversations (workspace_id, evaluation_id)`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    for (const table of ['evaluation_datasets', 'evaluation_cases'])
      this.addSql(`create trigger touch_updated_at before update on ${table} for each row
        when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    this.addSql(`alter table conversations drop column evaluation_id`);
    for (const table of [
      'evaluation_histories',
      'evaluation_pacing',
      'evaluation_calls',
      'evaluation_results',
      'evaluation_items',
    ])
      this.addSql(`drop table ${table}`);
    this.addSql(`
      alter table evaluations drop column dataset_id, drop column dataset_version, drop column dataset_hash,
        drop column configuration, drop column target, drop column baseline_id, drop column rerun_of, drop column reuse,
        drop column git_revision, drop column verdict, drop column verdict_reasons, drop column run_id,
        drop column restarts, drop column error, drop column started_at`);
    for (const table of ['evaluation_cases', 'evaluation_dataset_versions', 'evaluation_datasets'])
      this.addSql(`drop table ${table}`);
  }
}
