import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;
const tables = ['tool_calls', 'approvals', 'conversation_summaries'];

/** Turns of many steps: branches of a conversation, the ledger of tool calls, approvals, summaries of older turns. */
export class Migration20261122000016_turn_loop extends Migration {
  override up(): void {
    this.addSql(`
      alter table conversations
        add column active_message_id uuid,
        add column has_branches boolean not null default false,
        add foreign key (workspace_id, active_message_id) references messages (workspace_id, id)
          on delete set null (active_message_id)`);
    this.addSql(`create index conversations_active_message_idx on conversations (workspace_id, active_message_id)`);
    // A question hangs below the answer to the question before it; where there was none, below that question.
    this.addSql(`
      with questions as (
        select t.workspace_id, t.user_message_id as id,
               lag(coalesce(t.assistant_message_id, t.user_message_id))
                 over (partition by t.conversation_id order by m.sequence) as parent_id
        from turns t join messages m on m.workspace_id = t.workspace_id and m.id = t.user_message_id)
      update messages m set parent_id = q.parent_id
      from questions q
      where m.workspace_id = q.workspace_id and m.id = q.id and q.parent_id is not null`);
    this.addSql(`
      update conversations c set active_message_id = (
        select coalesce(t.assistant_message_id, t.user_message_id)
        from turns t join messages m on m.workspace_id = t.workspace_id and m.id = t.user_message_id
        where t.workspace_id = c.workspace_id and t.conversation_id = c.id
          and t.state not in ('accepted', 'queued')
        order by m.sequence desc limit 1)`);
    this.addSql(`
      alter table turns
        drop constraint turns_user_message_id_key,
        add column kind text not null default 'message' check (kind in ('message', 'regenerate', 'edit', 'retry')),
        add column replaces_turn_id uuid,
        add column step integer not null default 0 check (step >= 0),
        add column topic text,
        add column versions jsonb not null default '{}' check (jsonb_typeof(versions) = 'object'),
        add column limits jsonb not null default '{}' check (jsonb_typeof(limits) = 'object'),
        add column limit_reached text check (limit_reached in ('steps', 'tokens', 'seconds', 'cost')),
        add column waiting_since timestamptz,
        add column waited_seconds numeric(14, 3) not null default 0 check (waited_seconds >= 0),
        add column activity_id text,
        add column activity_attempt integer,
        add foreign key (workspace_id, replaces_turn_id) references turns (workspace_id, id)
          on delete set null (replaces_turn_id)`);
    this.addSql(`create index turns_user_message_id_idx on turns (workspace_id, user_message_id)`);
    this.addSql(`create index turns_replaces_turn_id_idx on turns (workspace_id, replaces_turn_id)`);
    this.addSql(`
      create index turns_busy_idx on turns (conversation_id, created_at)
      where state in ('accepted', 'queued', 'running', 'waiting')`);
    this.addSql(`alter table turn_steps drop constraint turn_steps_kind_check`);
    this.addSql(`
      alter table turn_steps add constraint turn_steps_kind_check
        check (kind in ('retrieve', 'route', 'model', 'summarize'))`);
    this.addSql(`
      create table tool_calls (
        id uuid primary key,
        workspace_id uuid not null,
        conversation_id uuid not null,
        turn_id uuid not null,
        step integer not null check (step >= 0),
        position integer not null check (position >= 0),
        provider_call_id text not null,
        tool_type text check (tool_type in ('rag_tool', 'retrieval_tool', 'tool', 'builtin')),
        tool_id uuid,
        tool_name text not null,
        tool_version integer check (tool_version > 0),
        effect text not null check (effect in ('read', 'write')),
        idempotent boolean not null,
        timeout_ms integer not null check (timeout_ms > 0),
        max_result_bytes integer not null check (max_result_bytes > 0),
        arguments jsonb,
        arguments_hash text not null,
        state text not null check (state in ('invalid', 'proposed', 'approved', 'denied', 'expired', 'executing',
                                             'succeeded', 'failed', 'needs_review', 'cancelled')),
        attempts integer not null default 0 check (attempts >= 0),
        result text,
        result_bytes integer check (result_bytes >= 0),
        truncated boolean not null default false,
        error jsonb,
        passages jsonb not null default '[]' check (jsonb_typeof(passages) = 'array'),
        settled_by text,
        settled_at timestamptz,
        settlement text check (settlement in ('confirmed_succeeded', 'confirmed_failed', 'run_again')),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz,
        finished_at timestamptz,
        unique (workspace_id, id),
        unique (turn_id, step, position),
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade,
        check (state not in ('invalid', 'failed', 'needs_review') or error is not null),
        check ((state in ('invalid', 'denied', 'expired', 'succeeded', 'failed', 'cancelled')) = (finished_at is not null)),
        check ((settlement is null) = (settled_at is null))
      )`);
    this.addSql(
      `create index tool_calls_conversation_id_idx on tool_calls (workspace_id, conversation_id, created_at)`,
    );
    this.addSql(`
      create index tool_calls_open_idx on tool_calls (updated_at)
      where state in ('proposed', 'approved', 'executing', 'needs_review')`);
    this.addSql(`
      create table approvals (
        id uuid primary key,
        workspace_id uuid not null,
        tool_call_id uuid not null unique,
        state text not null default 'waiting'
          check (state in ('waiting', 'approved', 'denied', 'expired', 'cancelled')),
        arguments_hash text not null,
        requested_at timestamptz not null default now(),
        expires_at timestamptz not null,
        decided_by text,
        decided_at timestamptz,
        changed_arguments jsonb,
        comment text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (workspace_id, id),
        foreign key (workspace_id, tool_call_id) references tool_calls (workspace_id, id) on delete cascade,
        check ((state = 'waiting') = (decided_at is null))
      )`);
    this.addSql(`create index approvals_tool_call_id_idx on approvals (workspace_id, tool_call_id)`);
    this.addSql(`create index approvals_requested_at_idx on approvals (workspace_id, requested_at)`);
    this.addSql(`
      create table conversation_summaries (
        id uuid primary key,
        workspace_id uuid not null,
        conversation_id uuid not null,
        up_to_message_id uuid not null,
        version integer not null default 1 check (version > 0),
        content text not null,
        token_count integer check (token_count >= 0),
        model_id uuid,
        created_at timestamptz not null default now(),
        unique (conversation_id, up_to_message_id, version),
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, up_to_message_id) references messages (workspace_id, id) on delete cascade,
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete set null (model_id)
      )`);
    this.addSql(
      `create index conversation_summaries_message_idx on conversation_summaries (workspace_id, up_to_message_id)`,
    );
    this.addSql(
      `create index conversation_summaries_conversation_idx on conversation_summaries (workspace_id, conversation_id)`,
    );
    this.addSql(`create index conversation_summaries_model_id_idx on conversation_summaries (workspace_id, model_id)`);
    for (const table of tables) {
      this.addSql(`alter table ${table} enable row level security`);
      this.addSql(`create policy workspace_isolation on ${table} to perdure_app using (${isolated})`);
      this.addSql(`create policy operator_access on ${table} to perdure_operator using (true)`);
    }
    for (const table of ['tool_calls', 'approvals'])
      this.addSql(`create trigger touch_updated_at before update on ${table} for each row
        when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    for (const table of ['conversation_summaries', 'approvals', 'tool_calls']) this.addSql(`drop table ${table}`);
    this.addSql(`delete from turn_steps where kind in ('route', 'summarize')`);
    this.addSql(`alter table turn_steps drop constraint turn_steps_kind_check`);
    this.addSql(`alter table turn_steps add constraint turn_steps_kind_check check (kind in ('retrieve', 'model'))`);
    // One turn a question is all that the former schema knows: the first one stays.
    this.addSql(`
      delete from turns t using turns earlier
      where earlier.user_message_id = t.user_message_id and earlier.id < t.id`);
    this.addSql(`drop index turns_busy_idx`);
    this.addSql(`drop index turns_replaces_turn_id_idx`);
    this.addSql(`drop index turns_user_message_id_idx`);
    this.addSql(`
      alter table turns
        drop column kind, drop column replaces_turn_id, drop column step, drop column topic, drop column versions,
        drop column limits, drop column limit_reached, drop column waiting_since, drop column waited_seconds, drop column activity_id,
        drop column activity_attempt,
        add constraint turns_user_message_id_key unique (user_message_id)`);
    this.addSql(`drop index conversations_active_message_idx`);
    this.addSql(`alter table conversations drop column active_message_id, drop column has_branches`);
  }
}
