// What isolates workspaces is the mandatory argument; a connection that carries a workspace may besides name no other.
const workspaceCheck = `
  create function lexical_workspace(workspace uuid) returns void
  language plpgsql stable set search_path = public, pg_temp as $function$
  declare
    carried text := coalesce(current_setting('perdure.workspace_id', true), '');
  begin
    if workspace is null or carried <> '' and carried::uuid <> workspace then
      raise exception 'The connection may not use the index of the workspace %.', workspace
        using errcode = 'insufficient_privilege';
    end if;
  end $function$`;

// One row for each time a generation begins or ceases to be searched. Nothing here is shared between documents, so
// ingestions that run side by side never wait for each other. Keys come sorted, because they are looked up by bisection.
const count = `
  create function count_generation_terms(workspace uuid, document uuid, generation_number integer, change integer)
  returns void
  language plpgsql security definer set search_path = public, pg_temp set jit = off as $function$
  begin
    perform lexical_workspace(workspace);
    insert into term_statistics_deltas (workspace_id, language, change, chunks, terms, keys, counts)
    select workspace, g.language, change, c.chunks, c.terms, k.keys, k.counts
    from document_generations g,
         (select count(*) as chunks, coalesce(sum(t.length), 0) as terms from chunk_terms t
          where t.workspace_id = workspace and t.document_id = document and t.generation = generation_number) c,
         (select coalesce(array_agg(key order by key), '{}') as keys, coalesce(array_agg(chunks order by key), '{}') as counts
          from (select key, count(*)::integer as chunks from chunk_terms t, unnest(t.keys) as u (key)
                where t.workspace_id = workspace and t.document_id = document and t.generation = generation_number
                group by key) s) k
    where g.workspace_id = workspace and g.document_id = document and g.generation = generation_number
      and g.language is not null and c.chunks > 0
      -- A workspace that is being deleted takes its statistics with it.
      and exists (select from workspaces w where w.id = workspace);
  end $function$`;

// Fires in the transaction that publishes, supersedes or deletes, whoever writes it, and while the chunks are still there.
// A generation without a language has no terms yet: whoever adds them counts them.
const track = `
  create function track_term_statistics() returns trigger
  language plpgsql security definer set search_path = public, pg_temp as $function$
  begin
    if tg_op = 'DELETE' then
      perform count_generation_terms(old.workspace_id, old.document_id, old.generation, -1);
      return old;
    end if;
    perform count_generation_terms(new.workspace_id, new.document_id, new.generation,
      case when new.state = 'active' then 1 else -1 end);
    return new;
  end $function$`;

// Folds and deltas change in one transaction: every snapshot sees each delta either as itself or folded. Rows are locked
// in the order of their keys; a second fold that meets the lock has nothing to do.
const fold = `
  create function fold_term_statistics(most integer) returns integer
  language plpgsql security definer set search_path = public, pg_temp set jit = off as $function$
  declare
    folded bigint[];
  begin
    if not pg_try_advisory_xact_lock(hashtextextended('fold_term_statistics', 0)) then return 0; end if;
    select array_agg(id) into folded from (select id from term_statistics_deltas order by id limit most) d;
    if folded is null then return 0; end if;
    insert into lexical_collections as c (workspace_id, language, documents, chunks, terms)
    select d.workspace_id, d.language, sum(d.change), sum(d.change * d.chunks), sum(d.change * d.terms)
    from term_statistics_deltas d where d.id = any (folded)
    group by d.workspace_id, d.language order by d.workspace_id, d.language
    on conflict (workspace_id, language) do update
      set documents = c.documents + excluded.documents, chunks = c.chunks + excluded.chunks,
          terms = c.terms + excluded.terms;
    insert into term_statistics as s (workspace_id, key, documents, chunks)
    select * from (
      select d.workspace_id, u.key, sum(d.change) as documents, sum(d.change * u.chunks) as chunks
      from term_statistics_deltas d, unnest(d.keys, d.counts) as u (key, chunks) where d.id = any (folded)
      group by d.workspace_id, u.key) n
    where n.documents <> 0 or n.chunks <> 0 order by n.workspace_id, n.key
    on conflict (workspace_id, key) do update
      set documents = s.documents + excluded.documents, chunks = s.chunks + excluded.chunks;
    delete from term_statistics s using (
      select distinct d.workspace_id, u.key from term_statistics_deltas d, unnest(d.keys) as u (key)
      where d.id = any (folded) and d.change < 0) n
    where s.workspace_id = n.workspace_id and s.key = n.key and s.documents = 0 and s.chunks = 0;
    delete from term_statistics_deltas where id = any (folded);
    return cardinality(folded);
  end $function$`;

// Which analyses a query needs: the languages of the documents that are searched now, the commonest first.
const languages = `
  create function lexical_languages(workspace uuid) returns text[]
  language sql stable set search_path = public, pg_temp set jit = off as $function$
    select coalesce(array_agg(language order by documents desc, language), '{}') from (
      select language, sum(documents) as documents from (
        select language, documents from lexical_collections where workspace_id = workspace
        union all
        select language, change from term_statistics_deltas where workspace_id = workspace) c
      group by language having sum(documents) > 0) l
  $function$`;

/** Keep the statistics of terms, in the order in which they are created. */
export const statisticsFunctions = [workspaceCheck, count, track, fold, languages];
