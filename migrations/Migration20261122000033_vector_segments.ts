import { Migration } from '@mikro-orm/migrations';
import { restateFunction, type Passage } from './functions/restate-function.ts';
import { segmentFunctions } from './search/segment-functions.ts';
import { vectorFunctions } from './search/vector-functions.ts';

/**
 * Vectors have an order of arrival, so that an index may end at one of them: what comes later goes into no index until it
 * is many. Vectors that were there before all come first. An index of all vectors stays what it is.
 */
export class Migration20261122000033_vector_segments extends Migration {
  override up(): void {
    this.addSql(loadVectorLibrary);
    this.addSql(`create sequence chunk_embeddings_ordinal_seq as bigint`);
    this.addSql(`grant usage, select on sequence chunk_embeddings_ordinal_seq to perdure_app, perdure_operator`);
    // First a constant, for which no row is written anew, and only then what new rows get.
    this.addSql(`alter table chunk_embeddings add column ordinal bigint not null default 0`);
    this.addSql(
      `alter table chunk_embeddings alter column ordinal set default nextval('chunk_embeddings_ordinal_seq')`,
    );
    this.addSql(`create index chunk_embeddings_ordinal_idx on chunk_embeddings (ordinal)`);
    for (const { name, passages } of restated) this.addSql(restateFunction(name, passages));
    for (const statement of segmentFunctions) this.addSql(statement);
    this.addSql(`grant execute on function count_young_vectors to perdure_app, perdure_operator`);
  }

  override down(): void {
    this.addSql(loadVectorLibrary);
    this.addSql(wholeIndex.replace('create function', 'create or replace function'));
    for (const passage of changedSince) this.addSql(restateFunction('search_dense', [passage]));
    this.addSql(`drop function search_dense_young`);
    this.addSql(`drop function count_young_vectors`);
    this.addSql(`drop function vector_segments`);
    for (const { name, passages } of restated) {
      this.addSql(
        restateFunction(
          name,
          passages.map(([before, after]) => [after, before]),
        ),
      );
    }
    // The indexes of segments go with it.
    this.addSql(`alter table chunk_embeddings drop column ordinal`);
    this.addSql(`drop sequence chunk_embeddings_ordinal_seq`);
  }
}

// pgvector's settings exist once its library is loaded, which a first vector does; before, only a superuser may name them.
const loadVectorLibrary = `do $do$ begin perform '[1]'::vector; end $do$`;

/** Functions that look for the nearest in one segment from now on, `true` for all of a partition. */
const restated: readonly { name: string; passages: readonly Passage[] }[] = [
  {
    name: 'search_dense_approximate',
    passages: [
      [`rows_to_visit integer)`, `rows_to_visit integer, segment text DEFAULT 'true'::text)`],
      [`from %3$I v order by v.embedding`, `from %3$I v where %5$s order by v.embedding`],
      [`partition, coalesce(condition, 'true'))`, `partition, coalesce(condition, 'true'), segment)`],
    ],
  },
  {
    name: 'nearest_by_index',
    passages: [
      [`list_probes integer)`, `list_probes integer, segment text DEFAULT 'true'::text)`],
      [`from %3$I v order by v.embedding`, `from %3$I v where %4$s order by v.embedding`],
      [`operator, partition) into`, `operator, partition, segment) into`],
    ],
  },
  {
    name: 'nearest_by_comparing',
    passages: [
      [`depth integer)`, `depth integer, segment text DEFAULT 'true'::text)`],
      [`from %3$I v order by 1`, `from %3$I v where %4$s order by 1`],
      [`operator, partition) into`, `operator, partition, segment) into`],
    ],
  },
];

const wholeIndex = vectorFunctions.find((statement) => statement.includes('create function search_dense('))!;

/** What two migrations have changed in search_dense since it was written. */
const changedSince: readonly Passage[] = [
  [
    `reason := format('The model has no index for the metric %s.', metric);`,
    `
      select case
          when not jsonb_exists(coalesce(m.vector_index -> 'metrics', '["cosine"]'), metric)
            then format('The model has no index for the metric %s.', metric)
          when total < coalesce((m.vector_index ->> 'min_rows')::float8,
              case m.vector_index ->> 'kind' when 'ivfflat' then 2000 else 5000000.0 / width end)
            then format('The model has about %s vectors: comparing with all is quicker for so few than an index.', round(total))
          else format('The index for the metric %s is not built yet.', metric) end
        into reason from models m where m.id = model;`,
  ],
  [
    `select m.dimensions into width from models m`,
    `select m.dimensions, least(greatest(ef, (m.vector_index ->> 'ef_search')::integer), 1000) into width, ef
      from models m`,
  ],
];
