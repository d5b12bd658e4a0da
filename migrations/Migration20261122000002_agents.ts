import { Migration } from '@mikro-orm/migrations';

/** Models, prompt templates, agents, knowledge sources and their tools. */
export class Migration20261122000002_agents extends Migration {
  override up(): void {
    this.addSql(`
      create table models (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        kind text not null check (kind in ('chat', 'embedding')),
        provider text not null check (provider <> ''),
        model_id text not null,
        endpoint text,
        api_key text check (api_key like 'sealed:%'),
        pricing jsonb not null default '{}',
        capabilities jsonb not null default '{}',
        dimensions integer check (dimensions between 1 and 4000),
        is_active boolean not null default true,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        check ((kind = 'embedding') = (dimensions is not null))
      )`);
    this.addSql(`create unique index models_name_key on models (workspace_id, name) where deleted_at is null`);
    this.addSql(`
      create table prompt_templates (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        template text not null,
        variables jsonb not null default '[]' check (jsonb_typeof(variables) = 'array'),
        type text not null check (type in ('system', 'user', 'assistant', 'tool')),
        is_default boolean not null default false,
        version integer not null default 1 check (version > 0),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id)
      )`);
    this.addSql(
      `create unique index prompt_templates_name_key on prompt_templates (workspace_id, name) where deleted_at is null`,
    );
    this.addSql(
      `create unique index prompt_templates_default_key on prompt_templates (workspace_id, type) where is_default and deleted_at is null`,
    );
    this.addSql(`
      create table agents (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        system_prompt text not null default '',
        model_id uuid not null,
        temperature double precision check (temperature::numeric between 0 and 2),
        max_tokens integer check (max_tokens > 0),
        tools jsonb not null default '[]' check (jsonb_typeof(tools) = 'array'),
        topics jsonb not null default '[]' check (jsonb_typeof(topics) = 'array'),
        version integer not null default 1 check (version > 0),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable
      )`);
    this.addSql(`create index agents_name_idx on agents (name)`);
    this.addSql(`create unique index agents_name_key on agents (workspace_id, name) where deleted_at is null`);
    this.addSql(`create index agents_model_id_idx on agents (workspace_id, model_id)`);
    this.addSql(`
      create table agent_prompt_templates (
        workspace_id uuid not null,
        agent_id uuid not null,
        prompt_template_id uuid not null,
        position integer not null default 0,
        created_at timestamptz not null default now(),
        primary key (agent_id, prompt_template_id),
        foreign key (workspace_id, agent_id) references agents (workspace_id, id) on delete cascade,
        foreign key (workspace_id, prompt_template_id) references prompt_templates (workspace_id, id) on delete no action deferrable
      )`);
    this.addSql(
      `create index agent_prompt_templates_template_idx on agent_prompt_templates (workspace_id, prompt_template_id)`,
    );
    this.addSql(`
      create table knowledge_sources (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        type text not null check (type in ('upload', 'file', 'web', 'api', 'database', 'vector_store')),
        connection_string text check (connection_string like 'sealed:%'),
        configuration jsonb not null default '{}',
        status text not null default 'ready' check (status in ('ready', 'syncing', 'degraded', 'failed', 'paused')),
        last_sync timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id)
      )`);
    this.addSql(`create index knowledge_sources_type_idx on knowledge_sources (type)`);
    this.addSql(
      `create unique index knowledge_sources_name_key on knowledge_sources (workspace_id, name) where deleted_at is null`,
    );
    this.addSql(`
      create table rag_tools (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        knowledge_source_id uuid,
        embedding_model_id uuid not null,
        retrieval_params jsonb not null default '{}',
        chunk_size integer not null default 200 check (chunk_size between 16 and 8192),
        chunk_overlap integer not null default 32 check (chunk_overlap >= 0 and chunk_overlap < chunk_size),
        top_k integer not null default 5 check (top_k between 1 and 100),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade,
        foreign key (workspace_id, embedding_model_id) references models (workspace_id, id) on delete no action deferrable
      )`);
    this.addSql(`create unique index rag_tools_name_key on rag_tools (workspace_id, name) where deleted_at is null`);
    this.addSql(`create index rag_tools_knowledge_source_id_idx on rag_tools (workspace_id, knowledge_source_id)`);
    this.addSql(`create index rag_tools_embedding_model_id_idx on rag_tools (workspace_id, embedding_model_id)`);
    this.addSql(`
      create table retrieval_tools (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        name text not null check (name <> ''),
        description text not null default '',
        knowledge_source_id uuid,
        retrieval_strategy text not null default 'hybrid' check (retrieval_strategy in ('hybrid', 'dense', 'full_text')),
        filters jsonb not null default '{}',
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade
      )`);
    this.addSql(
      `create unique index retrieval_tools_name_key on retrieval_tools (workspace_id, name) where deleted_at is null`,
    );
    this.addSql(
      `create index retrieval_tools_knowledge_source_id_idx on retrieval_tools (workspace_id, knowledge_source_id)`,
    );
  }

  override down(): void {
    for (const table of [
      'retrieval_tools',
      'rag_tools',
      'knowledge_sources',
      'agent_prompt_templates',
      'agents',
      'prompt_templates',
      'models',
    ])
      this.addSql(`drop table ${table}`);
  }
}
