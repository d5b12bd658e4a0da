// One comparison of one field. Every result is true or false, never null, so that `not` means what it says. Equality in
// metadata is containment, which the index on metadata serves; a list contains each of its members.
const compileCondition = `
  create function compile_search_condition(field text, operator text, operand jsonb, place text) returns text
  language plpgsql immutable set search_path = public, pg_temp as $function$
  declare
    kind text := case
      when field ~ '^metadata[.]' then 'metadata'
      when field in ('id', 'knowledge_source_id') then 'uuid'
      when field in ('title', 'document_type', 'source_url', 'path', 'author', 'language') then 'text'
      when field in ('created_at', 'updated_at') then 'timestamptz'
      when field = 'is_global' then 'boolean' end;
    column_name text := case field
      when 'path' then 'd.source_path'
      when 'language' then
        '(select g.language from document_generations g where g.document_id = d.id and g.generation = d.active_generation)'
      else format('d.%I', field) end;
    value text := operand #>> '{}';
    type text := jsonb_typeof(operand);
    path text[];
    wrapped jsonb;
    symbol text := case operator when 'gt' then '>' when 'gte' then '>=' when 'lt' then '<' when 'lte' then '<=' end;
  begin
    if kind is null then
      raise exception '%: is no field of a filter.', place using errcode = 'invalid_parameter_value';
    end if;
    if operator = 'ne' then
      return format('not %s', compile_search_condition(field, 'eq', operand, place));
    elsif operator = 'nin' then
      return format('not %s', compile_search_condition(field, 'in', operand, place));
    elsif operator = 'in' then
      if type <> 'array' or jsonb_array_length(operand) not between 1 and 1000 then
        raise exception '%: must be a list of 1 to 1000 values.', place using errcode = 'invalid_parameter_value';
      end if;
      return (select '(' || string_agg(compile_search_condition(field, 'eq', member, place), ' or ') || ')'
              from jsonb_array_elements(operand) as m (member));
    elsif operator = 'exists' then
      if type <> 'boolean' then
        raise exception '%: must be true or false.', place using errcode = 'invalid_parameter_value';
      end if;
      return format(case when value = 'true' then 'not %s' else '%s' end,
        compile_search_condition(field, 'eq', 'null'::jsonb, place));
    elsif operator is distinct from 'eq' and symbol is null then
      raise exception '%: is no operator of a filter.', place using errcode = 'invalid_parameter_value';
    elsif type in ('array', 'object') then
      raise exception '%: must be a single value.', place using errcode = 'invalid_parameter_value';
    end if;

    if kind = 'metadata' then
      select array_agg(coalesce(part[1], part[2])) into path
        from regexp_matches(substr(field, 10), '"([^"]+)"|([^."]+)', 'g') as p (part);
      if path is null then
        raise exception '%: names no metadata.', place using errcode = 'invalid_parameter_value';
      end if;
      if symbol is null and type = 'null' then
        return format('(coalesce(d.metadata #> %1$L::text[], ''null'') = ''null'')', path);
      elsif symbol is null then
        wrapped := operand;
        for i in reverse cardinality(path) .. 1 loop
          wrapped := jsonb_build_object(path[i], wrapped);
        end loop;
        return format('(d.metadata @> %L::jsonb or d.metadata @> %L::jsonb)', wrapped,
          jsonb_set(wrapped, path, jsonb_build_array(operand)));
      elsif type = 'number' then
        return format('(jsonb_typeof(d.metadata #> %1$L::text[]) is not distinct from ''number'' and coalesce(d.metadata #> %1$L::text[] %2$s %3$L::jsonb, false))',
          path, symbol, operand);
      elsif type = 'string' then
        return format('(jsonb_typeof(d.metadata #> %1$L::text[]) is not distinct from ''string'' and coalesce((d.metadata #>> %1$L::text[]) collate "C" %2$s %3$L, false))',
          path, symbol, value);
      end if;
      raise exception '%: only numbers and texts have an order.', place using errcode = 'invalid_parameter_value';
    end if;

    if type = 'null' then
      if symbol is not null then
        raise exception '%: only numbers and texts have an order.', place using errcode = 'invalid_parameter_value';
      end if;
      return format('(%s is null)', column_name);
    end if;
    if type <> (case kind when 'boolean' then 'boolean' else 'string' end)
      or kind <> 'text' and not pg_input_is_valid(value, kind) then
      raise exception '%: the value is not of the type % of the field %.', place, kind, field
        using errcode = 'invalid_parameter_value';
    end if;
    return format('coalesce(%s%s %s %L::%s, false)', column_name,
      case when kind = 'text' and symbol is not null then ' collate "C"' else '' end, coalesce(symbol, '='), value, kind);
  end $function$`;

// A boolean expression about the document d in which everything of the caller's is a quoted literal; null without a filter.
const compileFilter = `
  create function compile_search_filter(filter jsonb, place text default 'filters', depth integer default 1)
  returns text
  language plpgsql immutable set search_path = public, pg_temp as $function$
  declare
    parts text[] := '{}';
    item record;
  begin
    if filter is null or depth = 1 and filter = '{}' then return null; end if;
    if jsonb_typeof(filter) <> 'object' then
      raise exception '%: must be an object of fields.', place using errcode = 'invalid_parameter_value';
    end if;
    if depth > 8 or depth = 1 and length(filter::text) > 1000000 then
      raise exception '%: the filter is too large or nested too deep.', place using errcode = 'invalid_parameter_value';
    end if;
    for item in select key, value, place || '.' || key as inner_place from jsonb_each(filter) order by key loop
      if item.key in ('and', 'or') then
        if jsonb_typeof(item.value) <> 'array' or item.value = '[]' then
          raise exception '%: must be a list of filters.', item.inner_place using errcode = 'invalid_parameter_value';
        end if;
        parts := parts || (
          select '(' || string_agg(compile_search_filter(f.value, item.inner_place || '.' || f.position - 1, depth + 1),
                                   format(' %s ', item.key)) || ')'
          from jsonb_array_elements(item.value) with ordinality as f (value, position));
      elsif item.key = 'not' then
        parts := parts || ('not ' || compile_search_filter(item.value, item.inner_place, depth + 1));
      elsif jsonb_typeof(item.value) = 'object' then
        if item.value = '{}' then
          raise exception '%: needs an operator.', item.inner_place using errcode = 'invalid_parameter_value';
        end if;
        parts := parts || (
          select string_agg(compile_search_condition(item.key, o.key, o.value, item.inner_place || '.' || o.key), ' and ')
          from jsonb_each(item.value) o);
      else
        parts := parts || compile_search_condition(item.key, 'eq', item.value, item.inner_place);
      end if;
    end loop;
    return '(' || coalesce(nullif(array_to_string(parts, ' and '), ''), 'true') || ')';
  end $function$`;

/** Compile a filter of the API into a condition on the document d, in the order in which they are created. */
export const filterFunctions = [compileCondition, compileFilter];
