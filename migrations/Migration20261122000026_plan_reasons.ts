import { Migration } from '@mikro-orm/migrations';

const noIndex = `reason := format('The model has no index for the metric %s.', metric);`;

// 5 million numbers are what domain/vector-indexes takes an index to be worth; IVFFlat wants 2,000 rows for its lists.
const noIndexBecause = `
      select case
          when not jsonb_exists(coalesce(m.vector_index -> 'metrics', '["cosine"]'), metric)
            then format('The model has no index for the metric %s.', metric)
          when total < coalesce((m.vector_index ->> 'min_rows')::float8,
              case m.vector_index ->> 'kind' when 'ivfflat' then 2000 else 5000000.0 / width end)
            then format('The model has about %s vectors: comparing with all is quicker for so few than an index.', round(total))
          else format('The index for the metric %s is not built yet.', metric) end
        into reason from models m where m.id = model;`;

/** A plan without an index says why there is none: few vectors need none, which is no fault. */
export class Migration20261122000026_plan_reasons extends Migration {
  override up(): void {
    this.addSql(inSearchDense(noIndex, noIndexBecause));
  }

  override down(): void {
    this.addSql(inSearchDense(noIndexBecause, noIndex));
  }
}

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
