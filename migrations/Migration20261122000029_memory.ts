import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['memory_versions', 'memory_lessons'];
const payers = ['agent', 'rag_tool', 'retrieval_tool', 'document', 'evaluation'];

/** Versions of what is remembered of users, what each conversation has taught, and each user's choice about it. */
export class Migration20261122000029_memory extends Migration {
  override up(): void {
    this.addSql(`
      alter table users
        add column memory_learning boolean not null default true,
        add column memory_recall boolean not null default true,
        add column memory_cap_tokens integer check (memory_cap_tokens > 0),
        add column memory_version integer not null default 0 check (memory_version >= 0)`);
    this.addSql(`
      alter table user_memories
        add column facts jsonb not null default '[]' check (jsonb_typeof(facts) = 'array'),
        add column version integer not null default 1 check (version > 0),
        add column token_count integer not null default 0 check (token_count >= 0)`);
    this.addSql(`
      create table memory_versions (
        user_id uuid not null,
        version integer not null check (version > 0),
        workspace_id uuid not null,
        memory text not null,
        metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
        facts jsonb not null default '[]' check (jsonb_typeof(facts) = 'array'),
        token_count integer not null check (token_count >= 0),
        origin text not null check (origin in ('written', 'learned', 'condensed', 'cut', 'rolled_back')),
        detail jsonb not null default '{}' check (jsonb_typeof(detail) = 'object'),
        created_at timestamptz not null default now(),
        primary key (user_id, version),
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
      )`);
    this.addSql(`
      create table memory_lessons (
        conversation_id uuid not null,
        up_to_sequence bigint not null check (up_to_sequence > 0),
        workspace_id uuid not null,
        user_id uuid not null,
        state text not null default 'accepted' check (state in ('accepted', 'running', 'completed', 'failed', 'skipped')),
        starts integer not null default 1 check (starts > 0),
        found jsonb check (jsonb_typeof(found) = 'array'),
        outcome jsonb not null default '{}' check (jsonb_typeof(outcome) = 'object'),
        version integer,
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (conversation_id, up_to_sequence),
        constraint memory_lessons_failed_check check (state <> 'failed' or error is not null),
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index memory_lessons_user_id_idx on memory_lessons (workspace_id, user_id)`);
    this.addSql(`create index memory_lessons_unfinished_idx on memory_lessons (updated_at)
      where state in ('accepted', 'running', 'failed')`);
    // What was said before this version is not learned: each conversation would be a paid call.
    this.addSql(`alter table conversations add column learned_sequence bigint not null default 0
      check (learned_sequence >= 0)`);
    // The trigger would take what has not changed for something of now.
    this.addSql(`
      update conversations set learned_sequence = last_sequence, updated_at = updated_at + interval '1 microsecond'
      where last_sequence > 0`);
    this.addSql(`create index conversations_unlearned_idx on conversations (updated_at)
      where last_sequence > learned_sequence and evaluation_id is null and deleted_at is null`);
    this.addSql(`update users set memory_version = 1, updated_at = updated_at + interval '1 microsecond'
      where id in (select user_id from user_memories)`);
    // About what domain/prompting/estimate-tokens.ts says of prose.
    this.addSql(`update user_memories set token_count = ceil(length(memory) / 3.0),
      updated_at = updated_at + interval '1 microsecond'`);
    this.addSql(`
      insert into memory_versions (user_id, version, workspace_id, memory, metadata, token_count, origin, created_at)
      select user_id, 1, workspace_id, memory, metadata, token_count, 'written', updated_at from user_memories`);
    for (const table of ['usage_metrics', 'usage_totals']) this.addSql(allowPayers(table, [...payers, 'memory']));
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    this.addSql(`create trigger touch_updated_at before update on memory_lessons for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of ['usage_metrics', 'usage_totals']) {
      this.addSql(`delete from ${table} where entity_type = 'memory'`);
      this.addSql(allowPayers(table, payers));
    }
    for (const table of tables.toReversed()) this.addSql(`drop table ${table}`);
    this.addSql(`drop index conversations_unlearned_idx`);
    this.addSql(`alter table conversations drop column learned_sequence`);
    this.addSql(`alter table user_memories drop column facts, drop column version, drop column token_count`);
    this.addSql(`
      alter table users drop column memory_learning, drop column memory_recall, drop column memory_cap_tokens,
        drop column memory_version`);
  }
}

function allowPayers(table: string, names: readonly string[]): string {
  const listed = names.map((name) => `'${name}'`).join(', ');
  return `
    alter table ${table} drop constraint ${table}_entity_type_check,
      add constraint ${table}_entity_type_check check (entity_type in (${listed}))`;
}
