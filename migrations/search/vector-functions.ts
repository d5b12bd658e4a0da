import { joined, visible } from './visible-documents.ts';

// The settings leave the planner only the index in its own order. relaxed_order finds more than strict_order, which drops
// what comes late; the outer sort mends the order. The inner limit ends a scan that meets only rows that the filter hides:
// short of its depth, it is known to have given up. (hnsw.max_scan_tuples would end it too, but fill up with the rows that
// it had put aside, which looks complete and is not: recall 0.5 where the filter hid the nearest 60 %.)
const denseApproximate = `
  create function search_dense_approximate(
    partition text, vector_type text, operator text, workspace uuid, owner_user uuid, sources uuid[], condition text,
    query vector, depth integer, ef integer, probes integer, rows_to_visit integer)
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  set enable_hashjoin = off set enable_mergejoin = off set jit = off
  set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 40 set hnsw.max_scan_tuples = 2147483647
  set hnsw.scan_mem_multiplier = 16
  set ivfflat.iterative_scan = 'relaxed_order' set ivfflat.probes = 1 set ivfflat.max_probes = 32768 as $function$
  begin
    -- Local to this function, because its definition sets them too.
    perform set_config('hnsw.ef_search', ef::text, true), set_config('ivfflat.probes', coalesce(probes, 1)::text, true);
    return query execute format($sql$
      with nearest as materialized (
        select e.document_id, e.generation, e.chunk_index, e.distance
        from (
          select v.workspace_id, v.document_id, v.generation, v.chunk_index, v.embedding::%1$s %2$s $1::%1$s as distance
          from %3$I v order by v.embedding::%1$s %2$s $1::%1$s limit $6) e
        join documents d on ${joined}
        where ${visible('$2', '$3', '$4')} and %4$s
        limit $5)
      select * from nearest order by distance, document_id, chunk_index $sql$,
      vector_type, operator, partition, coalesce(condition, 'true'))
      using query, workspace, owner_user, sources, depth, rows_to_visit;
  end $function$`;

// The distance is made in a subquery of its own, so that no index can offer its order for it.
const denseExact = `
  create function search_dense_exact(
    partition text, vector_type text, operator text, workspace uuid, owner_user uuid, sources uuid[], condition text,
    query vector, depth integer)
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off as $function$
  begin
    return query execute format($sql$
      with eligible as materialized (
        select e.document_id, e.generation, e.chunk_index, e.embedding::%1$s %2$s $1::%1$s as distance
        from documents d join %3$I e on ${joined}
        where e.workspace_id = $2 and ${visible('$2', '$3', '$4')} and %4$s)
      select * from eligible order by distance, document_id, chunk_index limit $5 $sql$,
      vector_type, operator, partition, coalesce(condition, 'true'))
      using query, workspace, owner_user, sources, depth;
  end $function$`;

// Chunks that the filter lets through, counted in documents and no further than \`enough\`; the average size of a document
// is taken from the first 32. Planned anew for each call: which index serves depends on the user, sources and condition.
const eligible = `
  create function search_eligible(
    workspace uuid, owner_user uuid, sources uuid[], condition text, enough double precision)
  returns double precision
  language plpgsql stable set search_path = public, pg_temp set jit = off as $function$
  declare
    chunks_per_document double precision;
    documents bigint;
  begin
    execute format($sql$
      select greatest(1, avg(g.expected_chunks)) from (
        select d.id, d.active_generation from documents d where ${visible('$1', '$2', '$3')} and %1$s limit 32) s
      join document_generations g on g.document_id = s.id and g.generation = s.active_generation $sql$,
      coalesce(condition, 'true')) into chunks_per_document using workspace, owner_user, sources;
    if chunks_per_document is null then return 0; end if;
    execute format($sql$
      select count(*) from (
        select from documents d where ${visible('$1', '$2', '$3')} and %1$s limit $4) s $sql$,
      coalesce(condition, 'true')) into documents
      using workspace, owner_user, sources, ceil(enough / chunks_per_document)::bigint + 1;
    return documents * chunks_per_document;
  end $function$`;

const partitionOf = `'chunk_embeddings_' || replace(model::text, '-', '')`;

// The cheaper plan: the exact one looks at all eligible rows, the approximate one at about depth × all rows / eligible
// rows, each of which costs about ten times as much (measured: 1.6 against 15 µs at 384 dimensions). So the exact plan
// is taken while eligible² ≤ 10 × depth × all. An approximate scan that came back short proves nothing, so the exact plan
// follows: nothing that matches is missing.
const dense = `
  create function search_dense(
    workspace uuid, owner_user uuid, sources uuid[], condition text, model uuid, query vector, metric text, depth integer,
    ef integer, out documents uuid[], out generations integer[], out indexes integer[], out distances double precision[],
    out plan jsonb)
  language plpgsql stable set search_path = public, pg_temp as $function$
  declare
    partition text := ${partitionOf};
    operator text := search_operator(metric);
    width integer;
    kind text;
    total double precision;
    worthwhile double precision;
    eligible double precision;
    index_kind text;
    lists integer;
    probes integer;
    reason text;
  begin
    select m.dimensions into width from models m
      where m.id = model and m.workspace_id = workspace and m.kind = 'embedding' and m.deleted_at is null;
    if width is null or to_regclass(partition) is null then
      raise exception 'The workspace has no registered embedding model with the id %.', model
        using errcode = 'no_data_found';
    end if;
    if query is null or vector_dims(query) <> width then
      raise exception 'The query has % dimensions, the embedding model has %.', vector_dims(query), width
        using errcode = 'invalid_parameter_value';
    end if;
    kind := case when width <= 2000 then 'vector' else 'halfvec' end;

    -- A table that was never analysed has no count yet.
    select greatest(c.reltuples, 1000) into total from pg_class c where c.oid = to_regclass(partition);
    worthwhile := sqrt(10.0 * depth * total);
    select a.amname, (select option_value::integer from pg_options_to_table(c.reloptions) where option_name = 'lists')
      into index_kind, lists
      from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
      join pg_opclass o on o.oid = any (i.indclass::oid[])
      where i.indrelid = to_regclass(partition) and i.indisvalid
        and o.opcname = kind || case metric when 'inner_product' then '_ip_ops' else '_' || metric || '_ops' end
      order by c.oid desc limit 1;
    -- pgvector advises the root of the lists, and ef_search is 40 by default: a wider search is wider in both kinds.
    probes := case index_kind when 'ivfflat' then least(coalesce(lists, 100), ceil(sqrt(coalesce(lists, 100) * ef / 40.0))) end;
    if index_kind is null then
      reason := format('The model has no index for the metric %s.', metric);
    else
      eligible := search_eligible(workspace, owner_user, sources, condition, worthwhile);
      if eligible <= worthwhile then
        reason := format('Few chunks are eligible: comparing with about %s is cheaper than walking the index (up to %s).',
          round(eligible), round(worthwhile));
      else
        select array_agg(a.document_id), array_agg(a.generation), array_agg(a.chunk_index), array_agg(a.distance)
          into documents, generations, indexes, distances
          from search_dense_approximate(partition, format('%s(%s)', kind, width), operator, workspace, owner_user, sources,
            condition, query, depth, ef, probes, ceil(worthwhile)::integer) a;
        reason := format('At least %s chunks are eligible, more than the %s up to which comparing with all is cheaper.',
          round(eligible), round(worthwhile));
        if cardinality(documents) = depth then
          plan := jsonb_build_object('plan', 'index', 'index', index_kind,
            'ef_search', case index_kind when 'hnsw' then ef end, 'probes', probes);
        else
          reason := format('The walk of the index met fewer than %s eligible chunks and gave up, so all were compared.', depth);
        end if;
      end if;
    end if;
    if plan is null then
      plan := '{"plan": "exact", "index": null, "ef_search": null, "probes": null}';
      select array_agg(a.document_id), array_agg(a.generation), array_agg(a.chunk_index), array_agg(a.distance)
        into documents, generations, indexes, distances
        from search_dense_exact(partition, format('%s(%s)', kind, width), operator, workspace, owner_user, sources,
          condition, query, depth) a;
    end if;
    plan := plan || jsonb_build_object('reason', reason, 'eligible_chunks', round(eligible),
      'total_chunks', round(total), 'found', coalesce(cardinality(documents), 0));
  end $function$`;

const operatorOf = `
  create function search_operator(metric text) returns text
  language plpgsql immutable set search_path = public, pg_temp as $function$
  declare
    operator text := case metric when 'cosine' then '<=>' when 'l2' then '<->' when 'inner_product' then '<#>' end;
  begin
    if operator is null then
      raise exception 'The metric "%" is not known: use cosine, l2 or inner_product.', metric
        using errcode = 'invalid_parameter_value';
    end if;
    return operator;
  end $function$`;

// The true distance of chunks that words alone have found, so that fusion compares like with like. By their keys.
const distances = `
  create function search_dense_distances(
    model uuid, query vector, metric text, workspace uuid, documents uuid[], generations integer[], indexes integer[])
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off as $function$
  begin
    return query execute format($sql$
      select e.document_id, e.generation, e.chunk_index, e.embedding::%1$s %2$s $1::%1$s
      from unnest($3, $4, $5) as k (document_id, generation, chunk_index)
      join %3$I e on e.model_id = $6 and e.workspace_id = $2 and e.document_id = k.document_id
        and e.generation = k.generation and e.chunk_index = k.chunk_index $sql$,
      format(case when vector_dims(query) <= 2000 then 'vector(%s)' else 'halfvec(%s)' end, vector_dims(query)),
      search_operator(metric), ${partitionOf}) using query, workspace, documents, generations, indexes, model;
  end $function$`;

/** The list of the nearest vectors, in the order in which they are created. */
export const vectorFunctions = [operatorOf, eligible, denseApproximate, denseExact, dense, distances];
