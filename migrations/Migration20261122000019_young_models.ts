import { Migration } from '@mikro-orm/migrations';
import { registerEmbeddingModel as registerWithIndex } from './Migration20261122000013_embedding_indexes.ts';

/**
 * A model is registered without an index: few rows are compared at once, and inserting each into an HNSW index costs
 * several times its share of building the index over many. Indexes that are there stay.
 */
export class Migration20261122000019_young_models extends Migration {
  override up(): void {
    this.addSql(registerWithoutIndex);
  }

  override down(): void {
    this.addSql(registerWithIndex);
  }
}

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

// As before (CREATE ... LIKE and ATTACH leave readers alone; the advisory lock orders registrations), without an index.
const registerWithoutIndex = `
  create or replace function register_embedding_model(model uuid) returns text
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '10s' as $function$
  declare
    width integer;
    partition text := 'chunk_embeddings_' || replace(model::text, '-', '');
  begin
    select m.dimensions into width from models m
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
    execute format('create table %I (like chunk_embeddings including all)', partition);
    execute format('alter table %I add constraint %I check (vector_dims(embedding) = %s)',
      partition, partition || '_dims', width);
    -- Spares ATTACH the scan that would prove the same.
    execute format('alter table %I add constraint %I check (model_id = %L)', partition, partition || '_model', model);
    execute format('alter table %I enable row level security', partition);
    execute format('create policy workspace_isolation on %I to perdure_app using (%s)', partition,
      $policy$${isolated}$policy$);
    execute format('create policy operator_access on %I to perdure_operator using (true)', partition);
    execute format('alter table chunk_embeddings attach partition %I for values in (%L)', partition, model);
    return partition;
  end $function$`;
