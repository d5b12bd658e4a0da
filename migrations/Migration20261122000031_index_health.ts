import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

const dimensionsOnly = `select m.dimensions into width from models m`;
const dimensionsAndBreadth = `select m.dimensions, least(greatest(ef, (m.vector_index ->> 'ef_search')::integer), 1000) into width, ef
      from models m`;

/**
 * What index health measures with: a few of the vectors that were last searched for, and the nearest vectors by an index
 * and by comparing with all. A model's row may ask for a broader search than the search itself would choose.
 */
export class Migration20261122000031_index_health extends Migration {
  override up(): void {
    this.addSql(`
      create table query_samples (
        workspace_id uuid not null,
        model_id uuid not null,
        slot integer not null check (slot between 0 and 127),
        embedding vector not null,
        created_at timestamptz not null default now(),
        primary key (workspace_id, model_id, slot),
        foreign key (workspace_id, model_id) references models (workspace_id, id) on delete cascade
      )`);
    this.addSql(`alter table query_samples enable row level security`);
    this.addSql(`create policy workspace_isolation on query_samples to perdure_app using (${isolated})`);
    this.addSql(`create policy operator_access on query_samples to perdure_operator using (true)`);
    this.addSql(noteQuery);
    this.addSql(`grant execute on function note_query to perdure_app, perdure_operator`);
    this.addSql(nearestByIndex);
    this.addSql(nearestByComparing);
    this.addSql(inSearchDense(dimensionsOnly, dimensionsAndBreadth));
  }

  override down(): void {
    this.addSql(inSearchDense(dimensionsAndBreadth, dimensionsOnly));
    this.addSql(`drop function nearest_by_comparing`);
    this.addSql(`drop function nearest_by_index`);
    this.addSql(`drop function note_query`);
    this.addSql(`drop table query_samples`);
  }
}

// A ring without an order: whichever slot comes up is written over, so that two searches at once need not agree on one.
const noteQuery = `
  create function note_query(workspace uuid, model uuid, query vector) returns void
  language plpgsql security definer set search_path = public, pg_temp as $function$
  declare
    carried text := coalesce(current_setting('perdure.workspace_id', true), '');
  begin
    if workspace is null or carried <> '' and carried::uuid <> workspace then
      raise exception 'The connection may not note a query of the workspace %.', workspace
        using errcode = 'insufficient_privilege';
    end if;
    insert into query_samples (workspace_id, model_id, slot, embedding)
      select m.workspace_id, m.id, floor(random() * 128)::integer, query from models m
      where m.id = model and m.workspace_id = workspace and m.deleted_at is null and m.dimensions = vector_dims(query)
      on conflict (workspace_id, model_id, slot) do update
        set embedding = excluded.embedding, created_at = excluded.created_at;
  end $function$`;

// The settings are those of search_dense_approximate, so that what is measured is what searches meet.
const nearestByIndex = `
  create function nearest_by_index(
    partition text, vector_type text, operator text, queries vector[], depth integer, breadth integer, list_probes integer)
  returns table (place integer, distances double precision[], ms double precision)
  language plpgsql stable set search_path = public, pg_temp
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  set enable_hashjoin = off set enable_mergejoin = off set jit = off
  set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 40 set hnsw.max_scan_tuples = 2147483647
  set hnsw.scan_mem_multiplier = 16
  set ivfflat.iterative_scan = 'relaxed_order' set ivfflat.probes = 1 set ivfflat.max_probes = 32768 as $function$
  declare
    began timestamptz;
  begin
    perform set_config('hnsw.ef_search', breadth::text, true),
      set_config('ivfflat.probes', coalesce(list_probes, 1)::text, true);
    for number in 1 .. coalesce(cardinality(queries), 0) loop
      began := clock_timestamp();
      execute format($sql$
        select array_agg(n.distance) from (
          select v.embedding::%1$s %2$s $1::%1$s as distance
          from %3$I v order by v.embedding::%1$s %2$s $1::%1$s limit $2) n $sql$,
        vector_type, operator, partition) into distances using queries[number], depth;
      place := number;
      ms := extract(epoch from clock_timestamp() - began) * 1000;
      return next;
    end loop;
  end $function$`;

const nearestByComparing = `
  create function nearest_by_comparing(
    partition text, vector_type text, operator text, queries vector[], depth integer)
  returns table (place integer, distances double precision[])
  language plpgsql stable set search_path = public, pg_temp
  set enable_indexscan = off set max_parallel_workers_per_gather = 0 set jit = off as $function$
  begin
    for number in 1 .. coalesce(cardinality(queries), 0) loop
      execute format($sql$
        select array_agg(n.distance order by n.distance) from (
          select v.embedding::%1$s %2$s $1::%1$s as distance from %3$I v order by 1 limit $2) n $sql$,
        vector_type, operator, partition) into distances using queries[number], depth;
      place := number;
      return next;
    end loop;
  end $function$`;

/** Changes a passage of the function as it stands, which keeps its owner and who may call it. */
function inSearchDense(passage: string, replacement: string): string {
  return `
    do $change$
    declare
      definition text := pg_get_functiondef('search_dense'::regproc);
    begin
      if position($passage$${passage}$passage$ in definition) = 0 then
        raise exception 'search_dense does not have the passage that this migration changes';
      end if;
      execute replace(definition, $passage$${passage}$passage$, $passage$${replacement}$passage$);
    end $change$`;
}
