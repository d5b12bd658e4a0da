import { Migration } from '@mikro-orm/migrations';
import { registerEmbeddingModel as registerWithHnsw } from './Migration20261122000005_policies.ts';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

/** The kinds of vector indexes, and moves of documents to another embedding model. */
export class Migration20261122000013_embedding_indexes extends Migration {
  override up(): void {
    this.addSql(`alter table models add column vector_index jsonb not null default '{}'`);
    this.addSql(`
      create table embedding_moves (
        id uuid primary key,
        workspace_id uuid not null,
        knowledge_source_id uuid,
        rag_tool_id uuid,
        model_id uuid not null,
        state text not null default 'accepted'
          check (state in ('accepted', 'running', 'completed', 'failed', 'cancelled')),
        total_documents integer not null default 0 check (total_documents >= 0),
        done_documents integer not null default 0 check (done_documents >= 0),
        after_document_id uuid,
        passes integer not null default 0 check (passes >= 0),
        is_cleared boolean not null default false,
        error jsonb,
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        started_at timestamptz,
        completed_at timestamptz,
        foreign key (workspace_id, knowledge_source_id) references knowledge_sources (workspace_id, id) on delete cascade,
        foreign key (workspace_id, rag_tool_id) references rag_tools (workspace_id, id) on delete cascade,
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade,
        check (knowledge_source_id is not null or rag_tool_id is not null)
      )`);
    this.addSql(`create unique index embedding_moves_source_key on embedding_moves (knowledge_source_id)
      where rag_tool_id is null and state in ('accepted', 'running')`);
    this.addSql(`create unique index embedding_moves_tool_key on embedding_moves (rag_tool_id)
      where state in ('accepted', 'running')`);
    this.addSql(`create index embedding_moves_source_idx on embedding_moves (workspace_id, knowledge_source_id)`);
    this.addSql(`create index embedding_moves_tool_idx on embedding_moves (workspace_id, rag_tool_id)`);
    this.addSql(`create index embedding_moves_model_idx on embedding_moves (workspace_id, model_id)`);
    this.addSql(`create index embedding_moves_unfinished_idx on embedding_moves (updated_at)
      where state in ('accepted', 'running') or not is_cleared`);
    this.addSql(`alter table embedding_moves enable row level security`);
    this.addSql(`create policy workspace_isolation on embedding_moves to perdure_app using (${isolated})`);
    this.addSql(`create policy operator_access on embedding_moves to perdure_operator using (true)`);
    this.addSql(`create trigger touch_updated_at before update on embedding_moves for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
    this.addSql(registerEmbeddingModel);
  }

  override down(): void {
    this.addSql(registerWithHnsw.replace('create function', 'create or replace function'));
    this.addSql(`drop table embedding_moves`);
    this.addSql(`alter table models drop column vector_index`);
  }
}

// As before (CREATE ... LIKE and ATTACH leave readers alone; the advisory lock orders registrations), with the indexes that
// the model's row asks for. IVFFlat takes its centres from rows, so there it is built later, once there are some.
export const registerEmbeddingModel = `
  create or replace function register_embedding_model(model uuid) returns text
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '10s' as $function$
  declare
    width integer;
    wanted jsonb;
    partition text := 'chunk_embeddings_' || replace(model::text, '-', '');
    type text;
    metric text;
  begin
    select m.dimensions, '{"kind": "hnsw", "metrics": ["cosine"], "m": 16, "ef_construction": 64}' || m.vector_index
      into width, wanted from models m
      where m.id = model and m.kind = 'embedding'
        and m.workspace_id = coalesce(nullif(current_setting('perdure.workspace_id', true), '')::uuid, m.workspace_id);
    if width is null then
      raise exception 'There is no embedding model with the id %.', model using errcode = 'no_data_found';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('register_embedding_model', 0));
    if exists (select from pg_inherits
               where inhparent = 'chunk_embeddings'::regclass and inhrelid = to_regclass(partition)) then
      return partition;
    end if;
    type := case when width <= 2000 then 'vector' else 'halfvec' end;
    execute format('create table %I (like chunk_embeddings including all)', partition);
    execute format('alter table %I add constraint %I check (vector_dims(embedding) = %s)',
      partition, partition || '_dims', width);
    -- Spares ATTACH the scan that would prove the same.
    execute format('alter table %I add constraint %I check (model_id = %L)', partition, partition || '_model', model);
    if wanted ->> 'kind' = 'hnsw' then
      for metric in select jsonb_array_elements_text(wanted -> 'metrics') loop
        execute format('create index %I on %I using hnsw ((embedding::%s(%s)) %s) with (m = %s, ef_construction = %s)',
          partition || case metric when 'cosine' then '' when 'l2' then '_l2' else '_ip' end || '_hnsw', partition, type,
          width, type || '_' || case metric when 'inner_product' then 'ip' else metric end || '_ops',
          (wanted ->> 'm')::integer, (wanted ->> 'ef_construction')::integer);
      end loop;
    end if;
    execute format('alter table %I enable row level security', partition);
    execute format('create policy workspace_isolation on %I to perdure_app using (%s)', partition,
      $policy$${isolated}$policy$);
    execute format('create policy operator_access on %I to perdure_operator using (true)', partition);
    execute format('alter table chunk_embeddings attach partition %I for values in (%L)', partition, model);
    return partition;
  end $function$`;
