// All that a search needs to know before it embeds the query, in one statement: it comes before every search. Names or
// ids; an id goes before a name like it. Null for what is not there.
const setup = `
  create function find_search_setup(
    workspace uuid, rag_tool text, retrieval_tool text, source_names text[], chat_models text[], asking_user text)
  returns json
  language plpgsql stable security definer set search_path = public, pg_temp set jit = off
  set plan_cache_mode = force_generic_plan as $function$
  begin
    perform search_workspace(workspace);
    return json_build_object(
      'tool', (
        select json_build_object('id', t.id, 'knowledge_source_id', t.knowledge_source_id, 'top_k', t.top_k,
          'retrieval_params', t.retrieval_params, 'model', search_model(m),
          'rerank_model', (select search_model(c) from models c
            where c.id = search_reference('models', workspace, t.retrieval_params #>> '{rerank,model}')),
          'rewrite_model', (select search_model(c) from models c
            where c.id = search_reference('models', workspace, t.retrieval_params #>> '{rewrite,model}')))
        from rag_tools t join models m on m.workspace_id = t.workspace_id and m.id = t.embedding_model_id
        where t.id = search_reference('rag_tools', workspace, rag_tool)),
      'retrieval_tool', (
        select json_build_object('knowledge_source_id', r.knowledge_source_id, 'strategy', r.retrieval_strategy,
          'filters', r.filters)
        from retrieval_tools r where r.id = search_reference('retrieval_tools', workspace, retrieval_tool)),
      'sources', (
        select json_agg(search_reference('knowledge_sources', workspace, n.name) order by n.place)
        from unnest(source_names) with ordinality as n (name, place)),
      'chat_models', (
        select json_agg((select search_model(c) from models c where c.id = search_reference('models', workspace, n.name))
                        order by n.place)
        from unnest(chat_models) with ordinality as n (name, place)),
      'languages', lexical_languages(workspace),
      'user_id', (select u.id from users u where u.workspace_id = workspace and u.external_id = asking_user));
  end $function$`;

const modelSettings = `
  create function search_model(model models) returns json
  language sql stable set search_path = public, pg_temp as $function$
    select json_build_object('id', model.id, 'name', model.name, 'kind', model.kind, 'provider', model.provider,
      'model_id', model.model_id, 'endpoint', model.endpoint, 'api_key', model.api_key,
      'capabilities', model.capabilities, 'dimensions', model.dimensions, 'pricing', model.pricing)
  $function$`;

const reference = `
  create function search_reference(table_name text, workspace uuid, name_or_id text) returns uuid
  language plpgsql stable set search_path = public, pg_temp set plan_cache_mode = force_generic_plan as $function$
  declare
    given uuid := case when pg_input_is_valid(name_or_id, 'uuid') then name_or_id::uuid end;
    found uuid;
  begin
    if name_or_id is null then return null; end if;
    execute format('select t.id from %I t where t.workspace_id = $1 and t.deleted_at is null and (t.id = $2 or t.name = $3)
                    order by t.id = $2 desc nulls last limit 1', table_name) into found using workspace, given, name_or_id;
    return found;
  end $function$`;

/** What a search needs to know before it begins, in the order in which they are created. */
export const setupFunctions = [modelSettings, reference, setup];
