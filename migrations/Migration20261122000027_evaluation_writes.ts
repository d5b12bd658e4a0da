import { Migration } from '@mikro-orm/migrations';

/** Writes what attempts at items of an evaluation have to say in one round trip, whatever is in it. */
export class Migration20261122000027_evaluation_writes extends Migration {
  override up(): void {
    this.addSql(writeItemChanges);
    this.addSql(`grant execute on function write_item_changes(uuid, uuid, jsonb) to perdure_app, perdure_operator`);
  }

  override down(): void {
    this.addSql(`drop function write_item_changes(uuid, uuid, jsonb)`);
  }
}

// Runs as its caller, within the policies of the workspace that it is given. What was paid is settled whoever has the item
// now; all the rest is written for the attempts alone that still have theirs.
const writeItemChanges = `
  create function write_item_changes(workspace uuid, evaluation uuid, changes jsonb) returns integer[]
  language plpgsql set search_path = public, pg_temp as $function$
  declare
    own integer[];
    mine jsonb;
    paid jsonb;
  begin
    perform set_config('perdure.workspace_id', workspace::text, true);
    with held as materialized (
      select i.ordinal, i.attempt from evaluations e join evaluation_items i on i.evaluation_id = e.id
      where e.id = evaluation and e.status = 'running'
        and i.ordinal in (select (c ->> 'ordinal')::integer from jsonb_array_elements(changes) c)
      order by i.ordinal for share of e for no key update of i)
    select coalesce(array_agg((c ->> 'n')::integer), '{}'), coalesce(jsonb_agg(c), '[]') into own, mine
    from jsonb_array_elements(changes) c
    join held h on h.ordinal = (c ->> 'ordinal')::integer and h.attempt = (c ->> 'attempt')::integer;

    if jsonb_path_exists(changes, '$[*].settle') then
      with settled as (
        update usage_metrics u
        set prompt_tokens = s.prompt, completion_tokens = s.completion, total_tokens = s.total, settled_at = now(),
            state = case when s.total is null then 'unknown' else 'settled' end,
            cost = case when u.pricing ->> 'currency' is null then null else p.cost end,
            currency = case when p.cost is null then null else u.pricing ->> 'currency' end
        from (select (c -> 'settle' ->> 'id')::uuid as id, (c -> 'settle' ->> 'prompt')::integer as prompt,
                     (c -> 'settle' ->> 'completion')::integer as completion, (c -> 'settle' ->> 'total')::integer as total
              from jsonb_array_elements(changes) c where c ? 'settle') s
        join usage_metrics m on m.id = s.id
        cross join lateral (
          select round(((s.prompt::numeric * (m.pricing ->> 'input_per_million')::numeric)
                      + (coalesce(s.completion, 0)::numeric * coalesce(m.pricing ->> 'output_per_million', '0')::numeric))
                      / 1000000, 10) as cost) p
        where u.id = s.id and u.state = 'started'
        returning u.id, u.cost, u.currency)
      select jsonb_object_agg(id, jsonb_build_object('cost', cost, 'currency', currency)) into paid from settled;
    end if;
    if mine = '[]' then return own; end if;

    insert into usage_metrics (id, workspace_id, entity_type, entity_id, model_id, step, attempt, pricing)
    select (c -> 'start' ->> 'id')::uuid, workspace, 'evaluation', evaluation, (c -> 'start' ->> 'model')::uuid,
           (c ->> 'ordinal')::integer, (c ->> 'attempt')::integer, c -> 'start' -> 'pricing'
    from jsonb_array_elements(mine) c where c ? 'start' on conflict do nothing;

    if jsonb_path_exists(mine, '$[*].begin') then
      insert into evaluation_calls (id, workspace_id, evaluation_id, ordinal, metric, position, attempt, request, request_hash)
      select (c -> 'begin' ->> 'id')::uuid, workspace, evaluation, (c ->> 'ordinal')::integer, c -> 'begin' ->> 'metric',
             (c -> 'begin' ->> 'position')::integer, (c ->> 'attempt')::integer, c -> 'begin' -> 'request',
             c -> 'begin' ->> 'hash'
      from jsonb_array_elements(mine) c where c ? 'begin' on conflict do nothing;
    end if;
    if jsonb_path_exists(mine, '$[*].answer') then
      update evaluation_calls k
      set state = case when c -> 'answer' ? 'error' then 'failed' else 'answered' end, answer = c -> 'answer' -> 'answer',
          error = c -> 'answer' -> 'error', settled_at = now()
      from jsonb_array_elements(mine) c where c ? 'answer' and k.id = (c -> 'answer' ->> 'id')::uuid and k.state = 'started';
    end if;
    if jsonb_path_exists(mine, '$[*].results') then
      insert into evaluation_results (evaluation_id, ordinal, metric, workspace_id, state, score, reason, details, metric_hash)
      select evaluation, (c ->> 'ordinal')::integer, r.metric, workspace, r.state, r.score, r.reason, r.details, r.hash
      from jsonb_array_elements(mine) c
      cross join jsonb_to_recordset(c -> 'results')
        as r (metric text, state text, score double precision, reason text, details jsonb, hash text)
      where c ? 'results' on conflict do nothing;
    end if;

    -- Several changes of one item in their order: of each field the last word counts.
    update evaluation_items i
    set state = coalesce(u.item ->> 'state', i.state),
        started_at = case when u.started then coalesce(i.started_at, now()) else i.started_at end,
        completed_at = case when u.item ->> 'state' in ('done', 'failed') then now() else i.completed_at end,
        error = case when u.item ? 'error' then nullif(u.item -> 'error', 'null') else i.error end,
        faulty_since = case when not u.item ? 'faulty' then i.faulty_since
                            when (u.item -> 'faulty')::boolean then coalesce(i.faulty_since, now()) end,
        turn_ids = coalesce(u.item -> 'turn_ids', i.turn_ids),
        output = case when u.item ? 'output' then u.item -> 'output' ->> 'output' else i.output end,
        prompt = case when u.item ? 'output' then nullif(u.item -> 'output' -> 'prompt', 'null') else i.prompt end,
        contexts = case when u.item ? 'output' then u.item -> 'output' -> 'contexts' else i.contexts end,
        tool_calls = case when u.item ? 'output' then u.item -> 'output' -> 'tool_calls' else i.tool_calls end,
        latency_ms = case when u.item ? 'output' then (u.item -> 'output' ->> 'latency_ms')::double precision
                          else i.latency_ms end,
        prompt_tokens = case when u.item ? 'output' then (u.item -> 'output' ->> 'prompt_tokens')::integer
                             else i.prompt_tokens end,
        completion_tokens = case when u.item ? 'output' then (u.item -> 'output' ->> 'completion_tokens')::integer
                                 else i.completion_tokens end,
        cost = case when u.item ? 'output'
                    then coalesce(u.item -> 'output' ->> 'cost', paid -> u.settled ->> 'cost')::numeric else i.cost end,
        currency = case when u.item ? 'output'
                        then coalesce(u.item -> 'output' ->> 'currency', paid -> u.settled ->> 'currency')
                        else i.currency end
    from (
      select ordinal, jsonb_object_agg(key, value order by place) as item, max(settled) as settled,
             bool_or(key = 'state' and value = '"running"') as started
      from (select (c ->> 'ordinal')::integer as ordinal, f.key, f.value, place,
                   case when c -> 'item' ? 'output' then c -> 'settle' ->> 'id' end as settled
            from jsonb_array_elements(mine) with ordinality as e (c, place) cross join jsonb_each(c -> 'item') f) fields
      group by ordinal) u
    where i.evaluation_id = evaluation and i.ordinal = u.ordinal;
    return own;
  end $function$`;
