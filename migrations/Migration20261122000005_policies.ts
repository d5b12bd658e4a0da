import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

/** Grants, row-level security, the change time of rows, and the registration of embedding models. */
export class Migration20261122000005_policies extends Migration {
  override up(): void {
    // Stated first: what later migrations create, and the partitions of models registered later, come with their grants.
    this.addSql(
      `alter default privileges for role perdure_owner in schema public
       grant select, insert, update, delete on tables to perdure_app, perdure_operator`,
    );
    this.addSql(
      `alter default privileges for role perdure_owner in schema public grant maintain on tables to perdure_operator`,
    );
    this.addSql(`alter default privileges for role perdure_owner revoke execute on routines from public`);
    this.addSql(`grant select on mikro_orm_migrations to perdure_app, perdure_operator`);
    this.addSql(`
      create function touch_updated_at() returns trigger language plpgsql as $function$
      begin
        new.updated_at = now();
        return new;
      end $function$`);
    this.addSql(`
      do $do$ declare t record; begin
        for t in select c.oid::regclass as name, c.relname,
                   exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id') as scoped,
                   exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'updated_at') as touched
                 from pg_class c
                 where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
                   and c.relname <> 'mikro_orm_migrations'
        loop
          execute format('grant select, insert, update, delete on %s to perdure_app, perdure_operator', t.name);
          execute format('grant maintain on %s to perdure_operator', t.name);
          execute format('alter table %s enable row level security', t.name);
          execute format('create policy workspace_isolation on %s to perdure_app using (%s)', t.name,
            case when t.scoped then $policy$${isolated}$policy$ else $policy$${isolated.replace('workspace_id', 'id')}$policy$ end);
          -- A policy rather than the attribute BYPASSRLS, which managed services let nobody grant.
          execute format('create policy operator_access on %s to perdure_operator using (true)', t.name);
          if t.touched then
            execute format('create trigger touch_updated_at before update on %s for each row
              when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()', t.name);
          end if;
        end loop;
      end $do$`);
    this.addSql(registerEmbeddingModel);
    this.addSql(`grant execute on function register_embedding_model(uuid) to perdure_app, perdure_operator`);
  }

  override down(): void {
    this.addSql(`drop function register_embedding_model(uuid)`);
    this.addSql(`
      do $do$ declare t record; begin
        for t in select distinct tablename as name from pg_policies where schemaname = 'public' loop
          execute format('drop policy workspace_isolation on %I', t.name);
          execute format('drop policy operator_access on %I', t.name);
          execute format('alter table %I disable row level security', t.name);
          execute format('revoke all on %I from perdure_app, perdure_operator', t.name);
        end loop;
      end $do$`);
    this.addSql(`drop function touch_updated_at() cascade`);
    this.addSql(`revoke all on mikro_orm_migrations from perdure_app, perdure_operator`);
    this.addSql(`alter default privileges for role perdure_owner grant execute on routines to public`);
    this.addSql(
      `alter default privileges for role perdure_owner in schema public revoke all on tables from perdure_app, perdure_operator`,
    );
  }
}

// Runs as the owner because it makes a table. CREATE ... LIKE and ATTACH leave readers alone and let writers through
// but for the moment of attaching; CREATE ... PARTITION OF would lock the parent against everyone. The advisory lock
// makes two registrations wait for each other, so that neither meets half of the other's work or deadlocks with it.
/** Makes the partition of an embedding model with an HNSW index for cosine; later migrations replace it. */
export const registerEmbeddingModel = `
  create function register_embedding_model(model uuid) returns text
  language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '10s' as $function$
  declare
    width integer;
    partition text := 'chunk_embeddings_' || replace(model::text, '-', '');
    kind text;
    operators text;
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
    kind := case when width <= 2000 then 'vector' else 'halfvec' end;
    operators := kind || '_cosine_ops';
    execute format('create table %I (like chunk_embeddings including all)', partition);
    execute format('alter table %I add constraint %I check (vector_dims(embedding) = %s)',
      partition, partition || '_dims', width);
    -- Spares ATTACH the scan that would prove the same.
    execute format('alter table %I add constraint %I check (model_id = %L)', partition, partition || '_model', model);
    execute format('create index %I on %I using hnsw ((embedding::%s(%s)) %s) with (m = 16, ef_construction = 64)',
      partition || '_hnsw', partition, kind, width, operators);
    execute format('alter table %I enable row level security', partition);
    execute format('create policy workspace_isolation on %I to perdure_app using (%s)', partition,
      $policy$${isolated}$policy$);
    execute format('create policy operator_access on %I to perdure_operator using (true)', partition);
    execute format('alter table chunk_embeddings attach partition %I for values in (%L)', partition, model);
    return partition;
  end $function$`;
