// Who sees what, as in every search: the active generation of a document that is not deleted, global or the user's own.
const visible = `
  d.workspace_id = $1 and d.deleted_at is null and d.active_generation is not null and (d.is_global or d.user_id = $2)
  and ($3::uuid[] is null or d.knowledge_source_id = any ($3::uuid[]))`;

// BM25 as bm25s and Lucene compute it (Kamphuis et al. 2020): ln(1 + (N - df + 0.5) / (df + 0.5)) * tf / (tf + k1 * (1 - b
// + b * length / average)). `counted` are the query's keys with their weights and numbers of chunks, from the folded
// statistics and the deltas that are not folded yet. Keys that no searched chunk has are left out.
const count = `
  create function lexical_query(
    workspace uuid, keys bigint[], weights double precision[],
    out total double precision, out average double precision, out terms bigint[], out factors double precision[],
    out frequencies double precision[])
  language plpgsql stable set search_path = public, pg_temp set jit = off as $function$
  begin
    select sum(c.chunks), sum(c.terms) / nullif(sum(c.chunks), 0) into total, average from (
      select s.chunks, s.terms from lexical_collections s where s.workspace_id = workspace
      union all
      select d.change * d.chunks, d.change * d.terms from term_statistics_deltas d where d.workspace_id = workspace) c;
    select array_agg(q.key order by q.chunks, q.key), array_agg(q.chunks order by q.chunks, q.key),
           array_agg(q.weight * ln(1 + (greatest(total - q.chunks, 0) + 0.5) / (q.chunks + 0.5)) order by q.chunks, q.key)
      into terms, frequencies, factors
      from (
        select a.key, a.weight, (coalesce((
            select s.chunks from term_statistics s where s.workspace_id = workspace and s.key = a.key), 0)
          + lexical_delta(workspace, a.key))::double precision as chunks
        from (select u.key, sum(u.weight) as weight from unnest(keys, weights) as u (key, weight)
              where u.weight > 0 group by u.key) a) q
      where q.chunks > 0;
  end $function$`;

const delta = `
  create function lexical_delta(workspace uuid, term bigint) returns bigint
  language plpgsql stable set search_path = public, pg_temp set jit = off as $function$
  begin
    return (
      select coalesce(sum(d.change * d.counts[d.place]) filter (where d.keys[d.place] = term), 0) from (
        select s.change, s.keys, s.counts, width_bucket(term, s.keys) as place
        from term_statistics_deltas s where s.workspace_id = workspace and cardinality(s.keys) > 0 offset 0) d);
  end $function$`;

// Which chunks to look at: those with a rare term, as long as all of them fit into the budget; of the commoner terms those
// chunks that have two of them, or one of them often. A tier's key is its term's plus the tier times 2^53. A pattern is
// expected to match as if terms were independent, twice over, and is worth what its terms bring at the average length.
// Null when any chunk with a term is to be looked at.
const choose = `
  create function lexical_patterns(
    workspace uuid, terms bigint[], factors double precision[], frequencies double precision[], total double precision,
    budget integer, depth integer)
  returns text
  language plpgsql stable set search_path = public, pg_temp set jit = off as $function$
  declare
    rest double precision := budget;
    rare integer := 0;
    last integer;
    chosen text[] := '{}';
    pattern record;
    expected double precision := 0;
    least_pattern text;
    least_matches double precision;
  begin
    while rare < cardinality(terms) and frequencies[rare + 1] <= rest loop
      rare := rare + 1;
      rest := rest - frequencies[rare];
      expected := expected + frequencies[rare];
    end loop;
    if rare = cardinality(terms) then return null; end if;
    if rare > 0 then chosen := array[format('t.keys && %L::bigint[]', terms[1:rare])]; end if;
    last := least(cardinality(terms), rare + 6);
    for pattern in
      with tier as (
        select i, l, terms[i] + l * 9007199254740992 as key, factors[i] as factor,
               case l when 0 then frequencies[i] else (coalesce((
                 select s.chunks from term_statistics s
                 where s.workspace_id = workspace and s.key = terms[i] + l * 9007199254740992), 0)
                 + lexical_delta(workspace, terms[i] + l * 9007199254740992)) end as matches,
               factors[i] * (2.0 ^ l) / (2.0 ^ l + 1.5) as worth
        from generate_series(rare + 1, last) as i, generate_series(0, 3) as l),
      patterns as (
        select array[key] as keys, worth, matches from tier where l > 0
        union all
        select array[a.key, b.key], a.worth + b.worth, least(a.matches, b.matches, 2 * a.matches * b.matches / total)
        from tier a join tier b on b.i > a.i where a.l <= 1 and b.l <= 1
        union all
        select (select array_agg(key) from tier where i <= n and l = 0), (select sum(worth) from tier where i <= n and l = 0),
               total * exp((select sum(ln(matches / total)) from tier where i <= n and l = 0)) * 4
        from generate_series(rare + 3, last) as n
        union all
        select array[key], worth, matches from tier where l = 0)
      select p.keys, p.worth, p.matches from patterns p where p.matches > 0 order by p.worth desc, p.keys
    loop
      if pattern.matches <= rest then
        rest := rest - pattern.matches;
        expected := expected + pattern.matches;
        chosen := chosen || format('t.keys @> %L::bigint[]', pattern.keys);
      elsif least_matches is null or pattern.matches < least_matches then
        least_matches := pattern.matches;
        least_pattern := format('t.keys @> %L::bigint[]', pattern.keys);
      end if;
    end loop;
    if expected < 4 * depth and least_pattern is not null then chosen := chosen || least_pattern; end if;
    return array_to_string(chosen, ' or ');
  end $function$`;

// Scores every chunk of the visible documents that matches \`pattern\` (null: all of them, read by their documents). The
// index is the only way to a pattern: the plan does not depend on what the planner believes of hashes. What a term brings
// is unrolled, which is three times as fast as a join with the terms. The workspace is in the keys; it is not compared
// again, because the primary key would offer itself for it.
const score = `
  create function lexical_scores(
    workspace uuid, owner_user uuid, sources uuid[], condition text, terms bigint[], factors double precision[],
    average double precision, pattern text, depth integer)
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off set enable_seqscan = off
  set enable_hashjoin = off set enable_mergejoin = off set max_parallel_workers_per_gather = 0 as $function$
  declare
    places text;
    parts text;
  begin
    select string_agg(format('width_bucket(%s::bigint, t.keys) as p%s', terms[i], i), ', ' order by i),
           string_agg(format('case when s.keys[s.p%1$s] = %2$s then %3$s::float8 * s.frequencies[s.p%1$s] / (s.frequencies[s.p%1$s] + s.saturation) else 0 end',
             i, terms[i], factors[i]), ' + ' order by i)
      into places, parts from generate_series(1, cardinality(terms)) as i;
    return query execute format($sql$
      with scored as (
        select s.document_id, s.generation, s.chunk_index, %1$s as score
        from (
          select t.document_id, t.generation, t.chunk_index, t.keys, t.frequencies,
                 1.5 * (0.25 + 0.75 * t.length / $5) as saturation, %2$s
          from %3$s and %4$s offset 0) s)
      select * from scored where scored.score > 0
      order by scored.score desc, scored.document_id, scored.chunk_index limit $4 $sql$,
      parts, places,
      case when pattern is null then
        $from$documents d join chunk_terms t on t.workspace_id = d.workspace_id and t.document_id = d.id
          and t.generation = d.active_generation where ${visible}$from$
      else
        format($from$(select * from chunk_terms t where %s offset 0) t
          join documents d on d.id = t.document_id and d.active_generation = t.generation where ${visible}$from$, pattern)
      end, coalesce(condition, 'true'))
      using workspace, owner_user, sources, depth, average;
  end $function$`;

// The best chunks by BM25, as many as match up to the depth. Few visible chunks are scored all; of many, those that the
// patterns pick, and all with any term if too few came of it.
const search = `
  create function search_lexical(
    workspace uuid, owner_user uuid, sources uuid[], condition text, keys bigint[], weights double precision[],
    depth integer, budget integer)
  returns table (document_id uuid, generation integer, chunk_index integer, score double precision)
  language plpgsql stable rows 50 set search_path = public, pg_temp set jit = off as $function$
  declare
    asked record;
    any_term text;
    pattern text;
    found integer := 0;
    looked_at integer;
  begin
    select * into asked from lexical_query(workspace, keys, weights);
    if asked.terms is null then return; end if;
    -- Each candidate costs time for each term.
    looked_at := greatest(4 * depth, least(budget, 60000 / cardinality(asked.terms)));
    any_term := format('t.keys && %L::bigint[]', asked.terms);
    if search_eligible(workspace, owner_user, sources, condition, 2 * looked_at) <= 2 * looked_at then
      return query select * from lexical_scores(workspace, owner_user, sources, condition, asked.terms, asked.factors,
        asked.average, null, depth);
      return;
    end if;
    pattern := lexical_patterns(workspace, asked.terms, asked.factors, asked.frequencies, asked.total, looked_at, depth);
    if pattern is not null then
      return query select * from lexical_scores(workspace, owner_user, sources, condition, asked.terms, asked.factors,
        asked.average, pattern, depth);
      get diagnostics found = row_count;
      any_term := any_term || format(' and not (%s)', pattern);
    end if;
    if found < depth then
      return query select * from lexical_scores(workspace, owner_user, sources, condition, asked.terms, asked.factors,
        asked.average, any_term, depth - found);
    end if;
  end $function$`;

/** BM25, in the order in which the functions are created. */
export const searchFunctions = [delta, count, choose, score, search];
