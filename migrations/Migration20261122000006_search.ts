import { Migration } from '@mikro-orm/migrations';

/**
 * Search: one function that the application may call, and its parts. All run as the owner, because row-level security
 * keeps GIN indexes from being used (`@@` is not leakproof); so each takes the workspace and filters by it.
 */
export class Migration20261122000006_search extends Migration {
  override up(): void {
    // pgvector's settings exist once its library is loaded, which a first vector does; before, only a superuser may name them.
    this.addSql(`do $do$ begin perform '[1]'::vector; end $do$`);
    for (const statement of searchFunctions) this.addSql(statement);
    this.addSql(`grant execute on function hybrid_search to perdure_app, perdure_operator`);
  }

  override down(): void {
    for (const statement of [...searchFunctions].reverse()) {
      this.addSql(`drop function ${/create function (\w+)/.exec(statement)![1]}`);
    }
  }
}

// Who sees what: the active generation of a document that is not deleted, global or the user's own. A document without a
// user that is not global is seen by nobody. The check on active_generation keeps rows of other generations out.
const visible = (workspace: string, user: string, source: string) => `
  d.workspace_id = ${workspace} and d.deleted_at is null and d.active_generation is not null
  and (d.is_global or d.user_id = ${user}) and (${source}::uuid is null or d.knowledge_source_id = ${source})`;

const joined = `d.workspace_id = e.workspace_id and d.id = e.document_id and d.active_generation = e.generation`;

// The settings leave the planner only the index in its own order. relaxed_order finds more than strict_order, which drops
// what comes late; the outer sort mends the order. The inner limit ends a scan that meets only rows that the filter hides:
// short of its depth, it is known to have given up. (hnsw.max_scan_tuples would end it too, but fill up with the rows that
// it had put aside, which looks complete and is not: recall 0.5 where the filter hid the nearest 60 %.)
const denseApproximate = `
  create function search_dense_approximate(
    partition text, vector_type text, operator text, workspace uuid, owner_user uuid, source uuid, query vector,
    depth integer, ef integer, rows_to_visit integer)
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp
  set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
  set enable_hashjoin = off set enable_mergejoin = off set jit = off
  set hnsw.iterative_scan = 'relaxed_order' set hnsw.ef_search = 40 set hnsw.max_scan_tuples = 2147483647
  set hnsw.scan_mem_multiplier = 16 as $function$
  begin
    -- Local to this function, because its definition sets it too.
    perform set_config('hnsw.ef_search', ef::text, true);
    return query execute format($sql$
      with nearest as materialized (
        select e.document_id, e.generation, e.chunk_index, e.distance
        from (
          select v.workspace_id, v.document_id, v.generation, v.chunk_index, v.embedding::%1$s %2$s $1::%1$s as distance
          from %3$I v order by v.embedding::%1$s %2$s $1::%1$s limit $6) e
        join documents d on ${joined}
        where ${visible('$2', '$3', '$4')}
        limit $5)
      select * from nearest order by distance, document_id, chunk_index $sql$,
      vector_type, operator, partition) using query, workspace, owner_user, source, depth, rows_to_visit;
  end $function$`;

// The distance is made in a subquery of its own, so that no index can offer its order for it.
const denseExact = `
  create function search_dense_exact(
    partition text, vector_type text, operator text, workspace uuid, owner_user uuid, source uuid, query vector,
    depth integer)
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off as $function$
  begin
    return query execute format($sql$
      with eligible as materialized (
        select e.document_id, e.generation, e.chunk_index, e.embedding::%1$s %2$s $1::%1$s as distance
        from documents d join %3$I e on ${joined}
        where e.workspace_id = $2 and ${visible('$2', '$3', '$4')})
      select * from eligible order by distance, document_id, chunk_index limit $5 $sql$,
      vector_type, operator, partition) using query, workspace, owner_user, source, depth;
  end $function$`;

// Chunks that the filter lets through, counted in documents and no further than `enough`; the average size of a document
// is taken from the first 32. Planned anew for each call: which index serves depends on the user and on the source.
const eligible = `
  create function search_eligible(workspace uuid, owner_user uuid, source uuid, enough double precision)
  returns double precision
  language plpgsql stable set search_path = public, pg_temp set plan_cache_mode = force_custom_plan as $function$
  declare
    chunks_per_document double precision;
    documents bigint;
  begin
    select greatest(1, avg(g.expected_chunks)) into chunks_per_document from (
      select d.id, d.active_generation from documents d where ${visible('workspace', 'owner_user', 'source')} limit 32) s
      join document_generations g on g.document_id = s.id and g.generation = s.active_generation;
    select count(*) into documents from (
      select from documents d where ${visible('workspace', 'owner_user', 'source')}
      limit ceil(enough / chunks_per_document)::bigint + 1) s;
    return documents * coalesce(chunks_per_document, 1);
  end $function$`;

// The cheaper plan: the exact one looks at all eligible rows, the approximate one at about depth × all rows / eligible
// rows, each of which costs about ten times as much (measured: 1.6 against 15 µs at 384 dimensions). So the exact plan
// is taken while eligible² ≤ 10 × depth × all. An approximate scan that came back short proves nothing, so the exact plan
// follows: nothing that matches is missing.
const dense = `
  create function search_dense(
    workspace uuid, owner_user uuid, source uuid, model uuid, query vector, metric text, depth integer, ef integer)
  returns table (document_id uuid, generation integer, chunk_index integer, distance double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp as $function$
  declare
    partition text := 'chunk_embeddings_' || replace(model::text, '-', '');
    operator text := case metric when 'cosine' then '<=>' when 'l2' then '<->' end;
    width integer;
    kind text;
    worthwhile double precision;
    documents uuid[];
    generations integer[];
    indexes integer[];
    distances double precision[];
  begin
    if operator is null then
      raise exception 'The metric "%" is not known: use cosine or l2.', metric using errcode = 'invalid_parameter_value';
    end if;
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
    select sqrt(10.0 * depth * greatest(c.reltuples, 1000)) into worthwhile from pg_class c
      where c.oid = to_regclass(partition);
    if exists (
        select from pg_index i join pg_opclass o on o.oid = any (i.indclass::oid[])
        where i.indrelid = to_regclass(partition) and i.indisvalid and o.opcname = kind || '_' || metric || '_ops')
      and search_eligible(workspace, owner_user, source, worthwhile) > worthwhile
    then
      select array_agg(a.document_id), array_agg(a.generation), array_agg(a.chunk_index), array_agg(a.distance)
        into documents, generations, indexes, distances
        from search_dense_approximate(partition, format('%s(%s)', kind, width), operator, workspace, owner_user, source,
          query, depth, ef, ceil(worthwhile)::integer) a;
      if cardinality(documents) = depth then
        return query select * from unnest(documents, generations, indexes, distances);
        return;
      end if;
    end if;
    return query select * from search_dense_exact(partition, format('%s(%s)', kind, width), operator, workspace,
      owner_user, source, query, depth);
  end $function$`;

// The score is the sum over the words of ts_rank (which saturates with repetition, and 1 divides by the length) times the
// word's inverse document frequency (Robertson and Zaragoza 2009, equation 3.3). That is counted among the candidates,
// which hold every match of a word that was searched for, and taken from the statistics for the others.
const ranked = (candidates: string) => `
  with candidates as materialized (${candidates}),
  ranked as materialized (
    select c.document_id, c.generation, c.chunk_index, w.position, ts_rank(c.search_vector, w.word, 1) as rank
    from candidates c cross join unnest(words) with ordinality as w (word, position)),
  weights as materialized (
    select r.position, ln(1 + (total - f.matches + 0.5) / (f.matches + 0.5)) as weight
    from (select position, count(*) as matches from ranked where rank > 0 group by position) r
    cross join lateral (select least(total, greatest(r.matches, frequencies[r.position] * total)) as matches) f)
  select r.document_id, r.generation, r.chunk_index, sum(r.rank * w.weight) as score
  from ranked r join weights w using (position)
  where r.rank > 0
  group by r.document_id, r.generation, r.chunk_index
  order by score desc, r.document_id, r.chunk_index
  limit depth`;

const matching = `select e.document_id, e.generation, e.chunk_index, e.search_vector`;

// From the documents to their chunks: for filters that let little through, whatever the words.
const textScan = `
  create function search_text_scan(
    workspace uuid, owner_user uuid, source uuid, pattern tsquery, words tsquery[], total double precision,
    depth integer)
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_custom_plan as $function$
  declare
    frequencies double precision[];
  begin
    return query ${ranked(`
      ${matching}
      from documents d join document_chunks e on ${joined}
      where e.workspace_id = workspace and ${visible('workspace', 'owner_user', 'source')}
        and e.search_vector @@ pattern`)};
  end $function$`;

// From the words to their chunks, no more than `budget` of them: first those that match first_pattern, then those that match
// then_pattern and not excluded. The settings leave the planner only that order, so one plan serves all calls.
const textIndex = `
  create function search_text_index(
    workspace uuid, owner_user uuid, source uuid, first_pattern tsquery, then_pattern tsquery, excluded tsquery,
    words tsquery[], frequencies double precision[], total double precision, depth integer, budget integer)
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
  set plan_cache_mode = force_generic_plan as $function$
  begin
    return query ${ranked(`
      (${matching}
       from document_chunks e join documents d on ${joined}
       where e.workspace_id = workspace and ${visible('workspace', 'owner_user', 'source')}
         and e.search_vector @@ first_pattern
       limit budget)
      union all
      (${matching}
       from document_chunks e join documents d on ${joined}
       where e.workspace_id = workspace and ${visible('workspace', 'owner_user', 'source')}
         and e.search_vector @@ then_pattern and not coalesce(e.search_vector @@ excluded, false)
       limit budget)
      limit budget`)};
  end $function$`;

// Any word of the query may match, and the best match is wanted. GIN has no order, so candidates are bounded before they
// are ranked, the promising ones first: chunks with two words or more, of those words that are rare enough by the column's
// statistics to be looked up together, then chunks with one of the rarest. Where every word is common, chunks with all of
// them. When less than needed was found so, chunks with any word at all.
const fullText = `
  create function search_full_text(
    workspace uuid, owner_user uuid, source uuid, query text, depth integer, needed integer, budget integer)
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp
  set plan_cache_mode = force_generic_plan as $function$
  declare
    total double precision;
    eligible double precision;
    words tsquery[];
    frequencies double precision[];
    rare integer;
    rarest text;
    every_word text;
    any_word text;
    pairs text;
    first_pattern tsquery;
    then_pattern tsquery;
    found bigint;
  begin
    select greatest(c.reltuples, 1000) into total from pg_class c where c.oid = 'document_chunks'::regclass;
    with lexemes as (
      select unnest(tsvector_to_array(to_tsvector('english', left(query, 10000)))) as lexeme),
    statistics as materialized (
      select unnest(most_common_elems::text::text[]) as lexeme, unnest(most_common_elem_freqs) as frequency
      from pg_stats where schemaname = 'public' and tablename = 'document_chunks' and attname = 'search_vector'),
    -- A word that is not among the common ones is rarer than the least of them.
    frequency as (
      select l.lexeme, s.frequency as known,
             coalesce(s.frequency, (select min(frequency) / 2 from statistics where lexeme is not null), 0) as estimate
      from lexemes l left join statistics s using (lexeme)),
    by_rarity as (
      select known, '''' || replace(replace(lexeme, '\\', '\\\\'), '''', '''''') || '''' as word,
             row_number() over w as position, sum(estimate) over w * total as any_matches,
             (sum(estimate) over w ^ 2 - sum(estimate ^ 2) over w) / 2 * total * 4 as pair_matches
      from frequency
      window w as (order by estimate, lexeme rows unbounded preceding))
    select array_agg(word::tsquery order by position), array_agg(coalesce(known, 0) order by position),
           count(*) filter (where pair_matches <= budget and position <= 12),
           string_agg(word, '|') filter (where any_matches <= budget), string_agg(word, '&'), string_agg(word, '|')
      into words, frequencies, rare, rarest, every_word, any_word
      from by_rarity where position <= 32;
    if words is null then return; end if;

    eligible := search_eligible(workspace, owner_user, source, 4 * budget);
    if eligible <= 4 * budget then
      return query select * from search_text_scan(workspace, owner_user, source, any_word::tsquery, words,
        greatest(eligible, 1), depth);
      return;
    end if;
    for i in 1 .. rare - 1 loop
      pairs := concat_ws('|', pairs, format('%s&(%s)', words[i], array_to_string(words[i + 1:rare], '|')));
    end loop;
    first_pattern := pairs::tsquery;
    then_pattern := coalesce(rarest, every_word)::tsquery;
    return query select * from search_text_index(workspace, owner_user, source, first_pattern, then_pattern,
      first_pattern, words, frequencies, total, depth, budget);
    get diagnostics found = row_count;
    if found < needed then
      return query select * from search_text_index(workspace, owner_user, source, null, any_word::tsquery,
        coalesce(first_pattern || then_pattern, then_pattern), words, frequencies, total, depth, budget);
    end if;
  end $function$`;

// Reciprocal rank fusion with k = 60 (Cormack, Clarke and Büttcher 2009): a hit's score is the sum of 1 / (60 + rank) over
// the lists that have it. What isolates workspaces is the mandatory argument; a connection that carries a workspace may
// besides name no other.
const hybrid = `
  create function hybrid_search(
    workspace uuid, owner_user uuid, source uuid, model uuid, query_embedding vector, query_text text, strategy text,
    metric text, result_limit integer, depth integer, ef integer)
  returns table (
    document_id uuid, generation integer, chunk_index integer, title text, source_url text, source_path text,
    content text, start_char integer, end_char integer, metadata jsonb,
    score double precision, dense_rank integer, dense_distance double precision, text_rank integer,
    text_score double precision)
  language plpgsql stable security definer rows 10 set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_generic_plan as $function$
  #variable_conflict use_column
  declare
    carried text := coalesce(current_setting('perdure.workspace_id', true), '');
  begin
    if workspace is null or carried <> '' and carried::uuid <> workspace then
      raise exception 'The connection may not search in the workspace %.', workspace
        using errcode = 'insufficient_privilege';
    end if;
    if strategy is null or strategy not in ('hybrid', 'dense', 'full_text') then
      raise exception 'The strategy "%" is not known: use hybrid, dense or full_text.', strategy
        using errcode = 'invalid_parameter_value';
    end if;
    return query
      with dense as materialized (
        select c.document_id, c.generation, c.chunk_index, c.distance,
               (row_number() over (order by c.distance, c.document_id, c.chunk_index))::integer as rank
        from search_dense(workspace, owner_user, source, model, query_embedding, metric, depth, ef) c
        where strategy <> 'full_text'),
      words as materialized (
        select c.document_id, c.generation, c.chunk_index, c.score,
               (row_number() over (order by c.score desc, c.document_id, c.chunk_index))::integer as rank
        from search_full_text(workspace, owner_user, source, query_text, depth,
                              case when strategy = 'full_text' then result_limit else 1 end, 10 * depth) c
        where strategy <> 'dense'),
      fused as materialized (
        select document_id, generation, chunk_index, v.distance, v.rank as dense_rank, w.score as text_score,
               w.rank as text_rank,
               coalesce(1 / (60.0::float8 + v.rank), 0) + coalesce(1 / (60.0::float8 + w.rank), 0) as score
        from dense v full join words w using (document_id, generation, chunk_index)
        order by score desc, document_id, chunk_index
        limit result_limit)
      select f.document_id, f.generation, f.chunk_index, d.title, d.source_url, d.source_path, e.content, e.start_char,
             e.end_char, e.metadata, f.score, f.dense_rank, f.distance, f.text_rank, f.text_score
      from fused f
      join documents d on d.workspace_id = workspace and d.id = f.document_id
      join document_chunks e on e.workspace_id = workspace and e.document_id = f.document_id
        and e.generation = f.generation and e.chunk_index = f.chunk_index
      order by f.score desc, f.document_id, f.chunk_index;
  end $function$`;

/** What `up` creates, in that order; the migration that replaces them creates them anew on its way down. */
export const searchFunctions = [eligible, denseApproximate, denseExact, dense, textScan, textIndex, fullText, hybrid];
