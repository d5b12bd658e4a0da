import { Migration } from '@mikro-orm/migrations';

/** Conversations, messages, turns with their steps and events, citations, usage, evaluations and user memories. */
export class Migration20261122000004_conversations extends Migration {
  override up(): void {
    this.addSql(`
      create table conversations (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        agent_id uuid not null,
        user_id uuid not null,
        title text not null default '',
        model_name text not null default '',
        is_archived boolean not null default false,
        last_sequence bigint not null default 0 check (last_sequence >= 0),
        metadata jsonb not null default '{}',
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete no action deferrable,
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index conversations_agent_id_idx on conversations (workspace_id, agent_id)`);
    this.addSql(`create index conversations_user_id_idx on conversations (workspace_id, user_id, created_at desc)`);
    this.addSql(`
      create table messages (
        id uuid primary key,
        workspace_id uuid not null,
        conversation_id uuid not null,
        sequence bigint not null check (sequence > 0),
        client_message_id varchar(255),
        parent_id uuid,
        sender text not null check (sender in ('user', 'assistant')),
        content text not null,
        token_count integer check (token_count >= 0),
        model_response_time numeric(12, 3) check (model_response_time >= 0),
        metadata jsonb not null default '{}',
        created_at timestamptz not null default now(),
        unique (workspace_id, id),
        unique (conversation_id, sequence),
        unique (conversation_id, client_message_id),
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, parent_id) references messages (workspace_id, id) on delete set null (parent_id)
      )`);
    this.addSql(`create index messages_parent_id_idx on messages (workspace_id, parent_id)`);
    this.addSql(`
      create table turns (
        id uuid primary key,
        workspace_id uuid not null,
        conversation_id uuid not null,
        user_message_id uuid not null unique,
        assistant_message_id uuid unique,
        agent_id uuid not null,
        agent_version integer not null,
        model_id uuid not null,
        state text not null default 'accepted'
          check (state in ('accepted', 'queued', 'running', 'waiting', 'completed', 'failed', 'cancelled')),
        error jsonb,
        attempt integer not null default 0 check (attempt >= 0),
        cancel_requested_at timestamptz,
        workflow_id text not null,
        run_id text,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz,
        completed_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, conversation_id) references conversations (workspace_id, id) on delete cascade,
        foreign key (workspace_id, user_message_id) references messages (workspace_id, id) on delete cascade,
        foreign key (workspace_id, assistant_message_id) references messages (workspace_id, id)
          on delete set null (assistant_message_id),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete no action deferrable,
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable,
        check (state <> 'failed' or error is not null)
      )`);
    this.addSql(`create index turns_conversation_id_idx on turns (workspace_id, conversation_id, created_at)`);
    this.addSql(
      `create index turns_unfinished_idx on turns (updated_at) where state in ('accepted', 'queued', 'running', 'waiting')`,
    );
    this.addSql(`
      create table turn_steps (
        workspace_id uuid not null,
        turn_id uuid not null,
        step integer not null check (step >= 0),
        kind text not null check (kind in ('retrieve', 'model')),
        state text not null check (state in ('running', 'succeeded', 'failed')),
        attempt integer not null,
        request jsonb not null default '{}',
        response jsonb,
        started_at timestamptz not null default now(),
        completed_at timestamptz,
        primary key (turn_id, step),
        foreign key (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade
      )`);
    this.addSql(`
      create table turn_events (
        workspace_id uuid not null,
        turn_id uuid not null,
        seq bigint not null check (seq > 0),
        attempt integer not null,
        kind text not null,
        data jsonb not null,
        created_at timestamptz not null default now(),
        primary key (turn_id, seq),
        foreign key (workspace_id, turn_id) references turns (workspace_id, id) on delete cascade
      )`);
    // A citation is a snapshot: it outlives re-ingestion, so only its reference to the chunk goes with the chunk.
    this.addSql(`
      create table citations (
        workspace_id uuid not null,
        message_id uuid not null,
        position integer not null check (position >= 0),
        marker integer not null check (marker > 0),
        document_id uuid not null,
        generation integer not null,
        chunk_index integer,
        title text not null,
        source_url text,
        start_char integer not null,
        end_char integer not null,
        quote text not null,
        content_hash bytea not null,
        embedding_model_id uuid,
        created_at timestamptz not null default now(),
        primary key (message_id, position),
        foreign key (workspace_id, message_id) references messages (workspace_id, id) on delete cascade,
        foreign key (workspace_id, embedding_model_id) references models (workspace_id, id)
          on delete set null (embedding_model_id),
        foreign key (workspace_id, document_id, generation, chunk_index)
          references document_chunks (workspace_id, document_id, generation, chunk_index) on delete set null (chunk_index)
      )`);
    this.addSql(`create index citations_chunk_idx on citations (workspace_id, document_id, generation, chunk_index)`);
    this.addSql(`
      create table usage_metrics (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        entity_type text not null check (entity_type in ('agent', 'rag_tool', 'retrieval_tool', 'document', 'evaluation')),
        entity_id uuid not null,
        model_id uuid not null,
        turn_id uuid,
        step integer,
        attempt integer,
        state text not null default 'started' check (state in ('started', 'settled', 'unknown')),
        prompt_tokens integer check (prompt_tokens >= 0),
        completion_tokens integer check (completion_tokens >= 0),
        total_tokens integer check (total_tokens >= 0),
        cost numeric(20, 10) check (cost >= 0),
        currency char(3),
        pricing jsonb not null default '{}',
        "timestamp" timestamptz not null default now(),
        settled_at timestamptz,
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable,
        unique (turn_id, step, attempt),
        check ((cost is null) = (currency is null))
      )`);
    this.addSql(`create index usage_metrics_timestamp_idx on usage_metrics ("timestamp")`);
    this.addSql(
      `create index usage_metrics_entity_idx on usage_metrics (workspace_id, entity_type, entity_id, "timestamp")`,
    );
    this.addSql(`create index usage_metrics_model_id_idx on usage_metrics (workspace_id, model_id)`);
    this.addSql(`
      create table evaluations (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        type text not null check (type in ('agent', 'rag_tool', 'retrieval_tool', 'prompt_template', 'endpoint')),
        target_id uuid,
        test_cases jsonb not null default '[]' check (jsonb_typeof(test_cases) = 'array'),
        results jsonb not null default '[]' check (jsonb_typeof(results) = 'array'),
        metrics jsonb not null default '{}',
        status text not null default 'queued' check (status in ('queued', 'running', 'completed', 'failed', 'cancelled')),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        completed_at timestamptz,
        deleted_at timestamptz,
        unique (workspace_id, id)
      )`);
    this.addSql(
      `create unique index evaluations_name_key on evaluations (workspace_id, name) where deleted_at is null`,
    );
    this.addSql(`create index evaluations_target_idx on evaluations (workspace_id, type, target_id)`);
    this.addSql(`
      create table user_memories (
        user_id uuid primary key,
        workspace_id uuid not null,
        memory text not null default '',
        metadata jsonb not null default '{}',
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
      )`);
  }

  override down(): void {
    for (const table of [
      'user_memories',
      'evaluations',
      'usage_metrics',
      'citations',
      'turn_events',
      'turn_steps',
      'turns',
      'messages',
      'conversations',
    ])
      this.addSql(`drop table ${table}`);
  }
}
