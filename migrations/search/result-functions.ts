const workspaceCheck = `
  create function search_workspace(workspace uuid) returns void
  language plpgsql stable set search_path = public, pg_temp as $function$
  declare
    carried text := coalesce(current_setting('perdure.workspace_id', true), '');
  begin
    if workspace is null or carried <> '' and carried::uuid <> workspace then
      raise exception 'The connection may not search in the workspace %.', workspace
        using errcode = 'insufficient_privilege';
    end if;
  end $function$`;

// What fusion takes as a chunk's score by words: BM25 as search_lexical has it, but with the words of the chunks before and
// after at half their number, so that a passage stands with what it belongs to. Their share of the average length follows
// from the statistics: every chunk but one of a document has a neighbour on each side. By their keys, whatever list has
// found them.
const lexicalScores = `
  create function search_lexical_scores(
    workspace uuid, keys bigint[], weights double precision[], documents uuid[], generations integer[],
    indexes integer[])
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_generic_plan as $function$
  #variable_conflict use_column
  declare
    query record;
    average double precision;
  begin
    select * into query from lexical_query(workspace, keys, weights);
    if query.terms is null then return; end if;
    select query.average * (2 - sum(c.documents) / query.total) into average from (
      select s.documents from lexical_collections s where s.workspace_id = workspace
      union all
      select s.change from term_statistics_deltas s where s.workspace_id = workspace) c;
    return query
      with chunks as materialized (
        select k.place, case t.chunk_index when k.chunk_index then 1 else 0.5 end::double precision as share, t.length,
               t.keys, t.frequencies
        from unnest(documents, generations, indexes) with ordinality as k (document_id, generation, chunk_index, place)
        join chunk_terms t on t.workspace_id = workspace and t.document_id = k.document_id
          and t.generation = k.generation and t.chunk_index between k.chunk_index - 1 and k.chunk_index + 1),
      lengths as (
        select place, 1.5 * (0.25 + 0.75 * sum(share * length) / average) as saturation from chunks group by place),
      counts as (
        select c.place, q.factor, sum(c.share * c.frequencies[p.found]) as frequency
        from chunks c
        cross join unnest(query.terms, query.factors) with ordinality as q (term, factor, number)
        cross join lateral (select width_bucket(q.term, c.keys) as found) p
        where c.keys[p.found] = q.term
        group by c.place, q.number, q.factor)
      select documents[c.place], generations[c.place], indexes[c.place],
             sum(c.factor * c.frequency / (c.frequency + l.saturation))
      from counts c join lengths l using (place)
      group by c.place;
  end $function$`;

// The candidates of both lists, each with its place in them, its distance and its score; null where there is none. What
// isolates workspaces is the mandatory argument; a connection that carries a workspace may besides name no other.
const hybrid = `
  create function hybrid_search(
    workspace uuid, owner_user uuid, sources uuid[], filter jsonb, model uuid, query_embedding vector, keys bigint[],
    weights double precision[],
    strategy text, metric text, depth integer, ef integer)
  returns json
  language plpgsql stable security definer set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_generic_plan as $function$
  #variable_conflict use_column
  declare
    condition text;
    found record;
    near record;
    started timestamptz := clock_timestamp();
    vector_done timestamptz;
    text_done timestamptz;
    candidates json;
  begin
    perform search_workspace(workspace);
    if strategy is null or strategy not in ('hybrid', 'vector', 'text') then
      raise exception 'The strategy "%" is not known: use hybrid, vector or text.', strategy
        using errcode = 'invalid_parameter_value';
    end if;
    condition := compile_search_filter(filter);
    if strategy <> 'text' then
      select * into near
        from search_dense(workspace, owner_user, sources, condition, model, query_embedding, metric, depth, ef);
    else
      select null::uuid[] as documents, null::integer[] as generations, null::integer[] as indexes,
             null::double precision[] as distances, null::jsonb as plan into near;
    end if;
    vector_done := clock_timestamp();
    if strategy <> 'vector' then
      select array_agg(l.document_id) as documents, array_agg(l.generation) as generations,
             array_agg(l.chunk_index) as indexes, array_agg(l.score) as scores
        into found
        from search_lexical(workspace, owner_user, sources, condition, keys, weights, depth, 5000) l;
    else
      select null::uuid[] as documents, null::integer[] as generations, null::integer[] as indexes,
             null::double precision[] as scores into found;
    end if;
    text_done := clock_timestamp();
    with listed as materialized (
      select document_id, generation, chunk_index, v.distance, v.rank as vector_rank, w.score, w.rank as text_rank
      from (select *, row_number() over (order by distance, document_id, chunk_index) as rank
            from unnest(near.documents, near.generations, near.indexes, near.distances)
              as n (document_id, generation, chunk_index, distance)) v
      full join
           (select *, row_number() over (order by score desc, document_id, chunk_index) as rank
            from unnest(found.documents, found.generations, found.indexes, found.scores)
              as f (document_id, generation, chunk_index, score)) w using (document_id, generation, chunk_index)),
    distant as materialized (
      select d.* from (
        select array_agg(document_id) as documents, array_agg(generation) as generations,
               array_agg(chunk_index) as indexes
        from listed where vector_rank is null) k
      cross join lateral search_dense_distances(model, query_embedding, metric, workspace, k.documents, k.generations,
                                                k.indexes) d
      where strategy = 'hybrid' and k.documents is not null),
    worded as materialized (
      select w.* from (
        select array_agg(document_id) as documents, array_agg(generation) as generations,
               array_agg(chunk_index) as indexes
        from listed) k
      cross join lateral search_lexical_scores(workspace, keys, weights, k.documents, k.generations, k.indexes) w
      where strategy = 'hybrid' and k.documents is not null)
    select json_agg(json_build_array(l.document_id, l.generation, l.chunk_index, l.vector_rank,
                                     coalesce(l.distance, d.distance), l.text_rank, coalesce(w.score, l.score)))
      into candidates
      from listed l
      left join distant d using (document_id, generation, chunk_index)
      left join worded w using (document_id, generation, chunk_index);
    return json_build_object(
      'vector', near.plan, 'candidates', coalesce(candidates, '[]'), 'text_found', cardinality(found.documents),
      'vector_ms', extract(epoch from vector_done - started) * 1000,
      'text_ms', extract(epoch from text_done - vector_done) * 1000,
      'join_ms', extract(epoch from clock_timestamp() - text_done) * 1000);
  end $function$`;

// What is shown of the winners, in their order, with up to \`neighbours\` chunks on each side. Checks again who sees what:
// a document may have been changed or deleted since the search.
const readHits = `
  create function read_search_hits(
    workspace uuid, owner_user uuid, documents uuid[], generations integer[], indexes integer[], neighbours integer)
  returns table (
    place integer, title text, source_url text, source_path text, document_metadata jsonb, content text,
    start_char integer, end_char integer, metadata jsonb, around json)
  language plpgsql stable security definer rows 10 set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_generic_plan as $function$
  #variable_conflict use_column
  begin
    perform search_workspace(workspace);
    return query
      select k.place::integer, d.title, d.source_url, d.source_path, d.metadata, e.content, e.start_char, e.end_char,
             e.metadata, n.around
      from unnest(documents, generations, indexes) with ordinality as k (document_id, generation, chunk_index, place)
      join documents d on d.workspace_id = workspace and d.id = k.document_id
        and d.active_generation = k.generation and d.deleted_at is null and (d.is_global or d.user_id = owner_user)
      join document_chunks e on e.workspace_id = workspace and e.document_id = k.document_id
        and e.generation = k.generation and e.chunk_index = k.chunk_index
      left join lateral (
        select json_agg(json_build_object('chunk_index', c.chunk_index, 'start', c.start_char, 'end', c.end_char,
                                          'content', c.content, 'metadata', c.metadata) order by c.chunk_index) as around
        from document_chunks c
        where neighbours > 0 and c.workspace_id = workspace and c.document_id = k.document_id
          and c.generation = k.generation
          and c.chunk_index between k.chunk_index - neighbours and k.chunk_index + neighbours) n on true
      order by k.place;
  end $function$`;

/** The lists together and the winners' text, in the order in which they are created. */
export const resultFunctions = [workspaceCheck, lexicalScores, hybrid, readHits];
