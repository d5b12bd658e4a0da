import { Migration } from '@mikro-orm/migrations';

/** Ingestion jobs, documents, their generations, blobs, chunks and embeddings. */
export class Migration20261122000003_documents extends Migration {
  override up(): void {
    this.addSql(`
      create table ingestion_jobs (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        knowledge_source_id uuid,
        status text not null default 'queued' check (status in ('queued', 'processing', 'completed', 'failed', 'partial')),
        total_documents integer not null default 0 check (total_documents >= 0),
        processed_documents integer not null default 0 check (processed_documents >= 0),
        failed_documents integer not null default 0 check (failed_documents >= 0),
        progress_percent numeric(5, 2) not null generated always as (
          case when total_documents = 0 then 0
               else round((processed_documents + failed_documents) * 100.0 / total_documents, 2) end) stored,
        errors jsonb not null default '[]' check (jsonb_typeof(errors) = 'array'),
        started_at timestamptz,
        completed_at timestamptz,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        unique (workspace_id, id),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id)
          on delete set null (knowledge_source_id),
        check (processed_documents + failed_documents <= total_documents)
      )`);
    this.addSql(`create index ingestion_jobs_created_at_idx on ingestion_jobs (workspace_id, created_at desc)`);
    this.addSql(`
      create table documents (
        id uuid primary key,
        workspace_id uuid not null references workspaces (id) on delete cascade,
        knowledge_source_id uuid,
        user_id uuid,
        title text not null,
        document_type text not null check (document_type in ('text', 'markdown', 'html', 'pdf', 'code')),
        source_url text,
        source_path text,
        author text,
        is_global boolean not null default false,
        metadata jsonb not null default '{}',
        status text not null default 'accepted' check (status in ('accepted', 'processing', 'ready', 'failed', 'cancelled')),
        error jsonb,
        latest_generation integer not null default 0 check (latest_generation >= 0),
        active_generation integer check (active_generation > 0),
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        deleted_at timestamptz,
        unique (workspace_id, id),
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade,
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete set null (user_id),
        check (active_generation <= latest_generation),
        check (deleted_at is null or active_generation is null)
      )`);
    this.addSql(`create index documents_user_id_idx on documents (workspace_id, user_id)`);
    this.addSql(`create index documents_is_global_idx on documents (workspace_id, is_global)`);
    this.addSql(`create index documents_created_at_idx on documents (workspace_id, created_at desc)`);
    this.addSql(`create index documents_knowledge_source_id_idx on documents (workspace_id, knowledge_source_id)`);
    this.addSql(
      `create index documents_unfinished_idx on documents (updated_at) where status in ('accepted', 'processing')`,
    );
    // Identity of a document is its source and its path there; two uploads without a path are two documents.
    this.addSql(`
      create unique index documents_source_path_key on documents (workspace_id, knowledge_source_id, source_path)
      nulls not distinct where source_path is not null and deleted_at is null`);
    this.addSql(`
      create table document_generations (
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null check (generation > 0),
        job_id uuid,
        state text not null default 'staging' check (state in ('staging', 'ready', 'active', 'failed', 'abandoned')),
        stage text not null default 'accepted'
          check (stage in ('accepted', 'extracting', 'chunking', 'embedding', 'verifying', 'activating', 'done')),
        workflow_id text not null,
        run_id text,
        mime_type text not null,
        byte_size bigint not null check (byte_size >= 0),
        content_hash bytea not null,
        content text,
        chunk_size integer not null,
        chunk_overlap integer not null,
        expected_chunks integer check (expected_chunks >= 0),
        embedded_chunks integer not null default 0 check (embedded_chunks >= 0),
        warnings jsonb not null default '[]' check (jsonb_typeof(warnings) = 'array'),
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz,
        completed_at timestamptz,
        primary key (document_id, generation),
        unique (workspace_id, document_id, generation),
        foreign key (workspace_id, document_id) references documents (workspace_id, id) on delete cascade,
        foreign key (workspace_id, job_id) references ingestion_jobs (workspace_id, id) on delete set null (job_id)
      )`);
    this.addSql(`create index document_generations_job_id_idx on document_generations (workspace_id, job_id)`);
    this.addSql(
      `create unique index document_generations_active_key on document_generations (document_id) where state = 'active'`,
    );
    this.addSql(
      `create index document_generations_unfinished_idx on document_generations (updated_at) where state in ('staging', 'ready')`,
    );
    this.addSql(`
      create table blobs (
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null,
        part integer not null check (part >= 0),
        bytes bytea not null check (octet_length(bytes) <= 1048576),
        created_at timestamptz not null default now(),
        primary key (document_id, generation, part),
        foreign key (workspace_id, document_id, generation)
          references document_generations (workspace_id, document_id, generation) on delete cascade
      )`);
    this.addSql(`
      create table document_chunks (
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null,
        chunk_index integer not null check (chunk_index >= 0),
        content text not null,
        start_char integer not null check (start_char >= 0),
        end_char integer not null check (end_char > start_char),
        token_count integer not null check (token_count >= 0),
        metadata jsonb not null default '{}',
        search_vector tsvector not null generated always as (to_tsvector('english', content)) stored,
        created_at timestamptz not null default now(),
        primary key (workspace_id, document_id, generation, chunk_index),
        foreign key (workspace_id, document_id, generation)
          references document_generations (workspace_id, document_id, generation) on delete cascade
      )`);
    this.addSql(`create index document_chunks_search_vector_idx on document_chunks using gin (search_vector)`);
    // The column has no fixed dimension: each partition checks its own, and has its own expression index.
    this.addSql(`
      create table chunk_embeddings (
        model_id uuid not null,
        workspace_id uuid not null,
        document_id uuid not null,
        generation integer not null,
        chunk_index integer not null,
        embedding vector not null,
        created_at timestamptz not null default now(),
        primary key (model_id, workspace_id, document_id, generation, chunk_index),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete no action deferrable,
        foreign key (workspace_id, document_id, generation, chunk_index)
          references document_chunks (workspace_id, document_id, generation, chunk_index) on delete cascade
      ) partition by list (model_id)`);
    this.addSql(
      `create index chunk_embeddings_chunk_idx on chunk_embeddings (workspace_id, document_id, generation, chunk_index)`,
    );
  }

  override down(): void {
    for (const table of [
      'chunk_embeddings',
      'document_chunks',
      'blobs',
      'document_generations',
      'documents',
      'ingestion_jobs',
    ])
      this.addSql(`drop table ${table}`);
  }
}
