import { joined, visible } from './visible-documents.ts';

// What a model's index for a metric consists of, from its oldest vectors to its newest: the valid indexes that cover the
// ordinals without a gap, of several from the same place the farthest. An index without a predicate covers all. What stands
// beside the chain is on its way in or out. The bounds are read from the predicate, where `ordinal >= '7'::bigint` and
// `ordinal >= 7` are the same.
const segments = `
  create function vector_segments(partition text, operators text)
  returns table (index_kind text, lists integer, low bigint, high bigint, rows double precision)
  language plpgsql stable rows 4 set search_path = public, pg_temp as $function$
  declare
    reached bigint;
  begin
    loop
      select a.amname, (select option_value::integer from pg_options_to_table(c.reloptions) where option_name = 'lists'),
             b.low, b.high, greatest(c.reltuples, 0)
        into index_kind, lists, low, high, rows
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
        join pg_opclass o on o.oid = any (i.indclass::oid[])
        cross join lateral (
          select substring(p.predicate from 'ordinal >= ''?(\\d+)')::bigint as low,
                 substring(p.predicate from 'ordinal < ''?(\\d+)')::bigint as high
          from (select pg_get_expr(i.indpred, i.indrelid) as predicate) p) b
        where i.indrelid = to_regclass(partition) and i.indisvalid and o.opcname = operators
          and (i.indpred is null or b.high is not null) and b.low is not distinct from reached
        order by b.high desc nulls first, c.oid desc limit 1;
      exit when not found;
      return next;
      exit when high is null;
      reached := high;
    end loop;
  end $function$`;

// Vectors of a model from an ordinal on, counted no further than `most`; none for a connection that carries another
// workspace.
const young = `
  create function count_young_vectors(model uuid, low bigint, most integer) returns integer
  language plpgsql stable security definer set search_path = public, pg_temp set jit = off as $function$
  declare
    found integer := 0;
  begin
    if exists (select from models m where m.id = model and m.workspace_id
                 = coalesce(nullif(current_setting('perdure.workspace_id', true), '')::uuid, m.workspace_id)) then
      execute format('select count(*) from (select from %I where ordinal >= $1 limit $2) few',
                     'chunk_embeddings_' || replace(model::text, '-', '')) into found using low, most;
    end if;
    return found;
  end $function$`;

// The nearest of the rows that are in no segment yet, compared one by one. Documents are looked up for the first few
// hundred alone; \`complete\` is false where these were not enough.
const denseYoung = `
  create function search_dense_young(
    partition text, vector_type text, operator text, workspace uuid, owner_user uuid, sources uuid[], condition text,
    query vector, depth integer, low bigint, out documents uuid[], out generations integer[], out indexes integer[],
    out distances double precision[], out compared bigint, out complete boolean)
  language plpgsql stable set search_path = public, pg_temp set jit = off set enable_seqscan = off as $function$
  begin
    execute format($sql$
      with young as materialized (
        select v.workspace_id, v.document_id, v.generation, v.chunk_index, v.embedding::%1$s %2$s $1::%1$s as distance
        from %3$I v where v.ordinal >= %5$s),
      near as materialized (select * from young order by distance limit 8 * $5),
      visible as (
        select e.document_id, e.generation, e.chunk_index, e.distance
        from near e join documents d on ${joined}
        where ${visible('$2', '$3', '$4')} and %4$s
        order by e.distance, e.document_id, e.chunk_index limit $5)
      select array_agg(document_id), array_agg(generation), array_agg(chunk_index), array_agg(distance),
             (select count(*) from young), count(*) = $5 or (select count(*) from young) <= 8 * $5
      from visible $sql$,
      vector_type, operator, partition, coalesce(condition, 'true'), low)
      into documents, generations, indexes, distances, compared, complete
      using query, workspace, owner_user, sources, depth;
  end $function$`;

// The cheaper plan: the exact one looks at all eligible rows, the approximate one at about depth × all rows / eligible
// rows, each of which costs about ten times as much (measured: 1.6 against 15 µs at 384 dimensions). So the exact plan
// is taken while eligible² ≤ 10 × depth × all. The approximate one walks each segment and compares with what is in none; a
// walk that came back short proves nothing, so all of its segment are compared: nothing that matches is missing.
const dense = `
  create or replace function search_dense(
    workspace uuid, owner_user uuid, sources uuid[], condition text, model uuid, query vector, metric text, depth integer,
    ef integer, out documents uuid[], out generations integer[], out indexes integer[], out distances double precision[],
    out plan jsonb)
  language plpgsql stable set search_path = public, pg_temp as $function$
  declare
    partition text := 'chunk_embeddings_' || replace(model::text, '-', '');
    operator text := search_operator(metric);
    width integer;
    type text;
    operators text;
    total double precision;
    worthwhile double precision;
    eligible double precision;
    index_kind text;
    lists integer;
    probes integer;
    lows bigint[];
    highs bigint[];
    sizes double precision[];
    segment text;
    part record;
    walked integer := 0;
    young bigint := 0;
    compared text[] := '{}';
    reason text;
  begin
    select m.dimensions, least(greatest(ef, (m.vector_index ->> 'ef_search')::integer), 1000) into width, ef
      from models m
      where m.id = model and m.workspace_id = workspace and m.kind = 'embedding' and m.deleted_at is null;
    if width is null or to_regclass(partition) is null then
      raise exception 'The workspace has no registered embedding model with the id %.', model
        using errcode = 'no_data_found';
    end if;
    if query is null or vector_dims(query) <> width then
      raise exception 'The query has % dimensions, the embedding model has %.', vector_dims(query), width
        using errcode = 'invalid_parameter_value';
    end if;
    type := case when width <= 2000 then 'vector' else 'halfvec' end;
    operators := type || case metric when 'inner_product' then '_ip_ops' else '_' || metric || '_ops' end;
    type := format('%s(%s)', type, width);

    -- A table that was never analysed has no count yet.
    select greatest(c.reltuples, 1000) into total from pg_class c where c.oid = to_regclass(partition);
    worthwhile := sqrt(10.0 * depth * total);
    select min(s.index_kind), min(s.lists), array_agg(s.low), array_agg(s.high), array_agg(s.rows)
      into index_kind, lists, lows, highs, sizes from vector_segments(partition, operators) s;
    -- pgvector advises the root of the lists, and ef_search is 40 by default: a wider search is wider in both kinds.
    probes := case index_kind when 'ivfflat' then least(coalesce(lists, 100), ceil(sqrt(coalesce(lists, 100) * ef / 40.0))) end;
    if index_kind is null then
      -- 5 million numbers are what domain/vector-indexes takes an index to be worth; IVFFlat wants 2,000 rows for its lists.
      select case
          when not jsonb_exists(coalesce(m.vector_index -> 'metrics', '["cosine"]'), metric)
            then format('The model has no index for the metric %s.', metric)
          when total < coalesce((m.vector_index ->> 'min_rows')::float8,
              case m.vector_index ->> 'kind' when 'ivfflat' then 2000 else 5000000.0 / width end)
            then format('The model has about %s vectors: comparing with all is quicker for so few than an index.', round(total))
          else format('The index for the metric %s is not built yet.', metric) end
        into reason from models m where m.id = model;
    else
      eligible := search_eligible(workspace, owner_user, sources, condition, worthwhile);
      if eligible <= worthwhile then
        reason := format('Few chunks are eligible: comparing with about %s is cheaper than walking the index (up to %s).',
          round(eligible), round(worthwhile));
      else
        for number in 1 .. cardinality(lows) loop
          -- As the predicates of the indexes are written, or the planner would not take them.
          segment := concat_ws(' and ', 'ordinal >= ' || quote_literal(lows[number]) || '::bigint',
                               'ordinal < ' || quote_literal(highs[number]) || '::bigint');
          segment := coalesce(nullif(segment, ''), 'true');
          select array_agg(a.document_id) as documents, array_agg(a.generation) as generations,
                 array_agg(a.chunk_index) as indexes, array_agg(a.distance) as distances
            into part
            from search_dense_approximate(partition, type, operator, workspace, owner_user, sources, condition, query, depth,
              ef, probes, ceil(sqrt(10.0 * depth * case when highs[number] is null then total
                                                        else greatest(sizes[number], depth) end))::integer, segment) a;
          if cardinality(part.documents) = depth then
            walked := walked + 1;
            documents := documents || part.documents;
            generations := generations || part.generations;
            indexes := indexes || part.indexes;
            distances := distances || part.distances;
          else
            compared := compared || replace(segment, 'ordinal', 'e.ordinal');
          end if;
        end loop;
        reason := format('At least %s chunks are eligible, more than the %s up to which comparing with all is cheaper.',
          round(eligible), round(worthwhile));
        if walked = 0 then
          reason := format('The walk of the index met fewer than %s eligible chunks and gave up, so all were compared.', depth);
        else
          if cardinality(compared) > 0 then
            reason := reason || format(' In %s of %s segments the walk met fewer than %s and gave up, so all of theirs were compared.',
              cardinality(compared), cardinality(lows), depth);
          end if;
          if highs[cardinality(highs)] is not null then
            select * into part from search_dense_young(partition, type, operator, workspace, owner_user, sources, condition,
              query, depth, highs[cardinality(highs)]);
            young := part.compared;
            if part.complete then
              documents := documents || part.documents;
              generations := generations || part.generations;
              indexes := indexes || part.indexes;
              distances := distances || part.distances;
            else
              compared := compared || format('e.ordinal >= %s', highs[cardinality(highs)]);
            end if;
            if young > 0 then
              reason := reason || format(' The newest %s are in no segment of the index yet and were compared one by one.', young);
            end if;
          end if;
          if cardinality(compared) > 0 then
            select array_agg(a.document_id) as documents, array_agg(a.generation) as generations,
                   array_agg(a.chunk_index) as indexes, array_agg(a.distance) as distances
              into part
              from search_dense_exact(partition, type, operator, workspace, owner_user, sources,
                format('%s and (%s)', coalesce(condition, 'true'), array_to_string(compared, ' or ')), query, depth) a;
            documents := documents || part.documents;
            generations := generations || part.generations;
            indexes := indexes || part.indexes;
            distances := distances || part.distances;
          end if;
          select array_agg(m.document_id), array_agg(m.generation), array_agg(m.chunk_index), array_agg(m.distance)
            into documents, generations, indexes, distances
            from (select * from unnest(documents, generations, indexes, distances)
                    as u (document_id, generation, chunk_index, distance)
                  order by distance, document_id, chunk_index limit depth) m;
          plan := jsonb_build_object('plan', 'index', 'index', index_kind, 'ef_search', case index_kind when 'hnsw' then ef end,
            'probes', probes);
          -- Only where there are segments: processes of the release before know nothing of them, nor do they build any.
          if highs[1] is not null then
            plan := plan || jsonb_build_object('segments', walked, 'young_chunks', young);
          end if;
        end if;
      end if;
    end if;
    if plan is null then
      plan := '{"plan": "exact", "index": null, "ef_search": null, "probes": null}';
      select array_agg(a.document_id), array_agg(a.generation), array_agg(a.chunk_index), array_agg(a.distance)
        into documents, generations, indexes, distances
        from search_dense_exact(partition, type, operator, workspace, owner_user, sources, condition, query, depth) a;
    end if;
    plan := plan || jsonb_build_object('reason', reason, 'eligible_chunks', round(eligible),
      'total_chunks', round(total), 'found', coalesce(cardinality(documents), 0));
  end $function$`;

/** Look for the nearest vectors segment by segment, in the order in which they are created; the last replaces its forerunner. */
export const segmentFunctions = [segments, young, denseYoung, dense];
