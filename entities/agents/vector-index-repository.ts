import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { heldIndexes } from './index-hold-repository.ts';

/** An index of a model's vectors as the catalogue shows it. */
export type VectorIndexRow = {
  oid: number;
  name: string;
  kind: 'hnsw' | 'ivfflat';
  metric: 'cosine' | 'l2' | 'inner_product';
  isValid: boolean;
  parameters: Record<string, number>;
  bytes: number;
  /** The ordinals of its rows: `from` is among them, `to` is not; null where it has no bound. */
  from: number | null;
  to: number | null;
  /** Rows that it holds, as PostgreSQL's statistics say. */
  rows: number;
  /** Rows that came after its end, counted to 40,000. */
  rowsAfter: number;
};

/** A model's vectors: what indexes they shall have, and which are there. */
export type VectorIndexState = {
  partition: string;
  dimensions: number;
  /** As the model's row says it; what it leaves out is the default. */
  settings: Record<string, unknown>;
  /** Estimated once there are many. */
  rows: number;
  /** Rows that documents on their way will have, about. */
  arrivingRows: number;
  /** Later than the ordinal of every row. */
  nextOrdinal: number;
  /** Whether somebody builds or drops an index of this model right now. */
  isBusy: boolean;
  /** Whether somebody holds this model's indexes to maintain them, so that none may be dropped (index-hold-repository.ts). */
  isHeld: boolean;
  built: VectorIndexRow[];
};

/** Reads the indexes of a model; null if there is no such embedding model or it was never registered. */
export async function readVectorIndexes(em: EntityManager, modelId: string): Promise<VectorIndexState | null> {
  // A build holds this lock from its beginning to its end; so does VACUUM, but not for a user.
  const [row] = await query<VectorIndexState>(
    em,
    `select p.relname as partition, m.dimensions, m.vector_index as settings,
       greatest(p.reltuples, case when p.reltuples < 10000 then
         (select count(*) from (select from chunk_embeddings e where e.model_id = $1 limit 20000) few) end)::float8 as rows,
       (select coalesce(sum(greatest(u.expected_chunks, u.byte_size / 1000)), 0) from (
          select g.expected_chunks, g.byte_size from document_generations g
          where g.workspace_id = m.workspace_id and g.state in ('staging', 'ready') limit 10000) u)::float8
         as "arrivingRows",
       (select last_value + 1 from chunk_embeddings_ordinal_seq)::float8 as "nextOrdinal",
       exists (
         select from pg_locks l join pg_stat_activity a on a.pid = l.pid and a.usesysid is not null
         where l.locktype = 'relation' and l.relation = p.oid and l.granted and l.pid <> pg_backend_pid()
           and l.database = (select oid from pg_database where datname = current_database())
           and l.mode in ('ShareUpdateExclusiveLock', 'AccessExclusiveLock')) as "isBusy",
       exists (
         select from pg_locks l
         where l.locktype = 'advisory' and l.objsubid = 2 and l.granted and l.classid = ${heldIndexes}::oid
           and l.objid = hashtext(m.id::text)::oid
           and l.database = (select oid from pg_database where datname = current_database())) as "isHeld",
       coalesce((
         select json_agg(json_build_object('oid', c.oid::bigint, 'name', c.relname, 'kind', a.amname, 'isValid', i.indisvalid,
             'metric', replace(regexp_replace(o.opcname, '^(vector|halfvec)_(.*)_ops$', '\\2'), 'ip', 'inner_product'),
             'parameters', coalesce((select json_object_agg(option_name, option_value::integer)
                                     from pg_options_to_table(c.reloptions)), '{}'),
             'bytes', pg_relation_size(c.oid), 'from', b.low, 'to', b.high, 'rows', greatest(c.reltuples, 0),
             'rowsAfter', case when b.high is null then 0 else count_young_vectors(m.id, b.high, 40000) end)
           order by c.oid)
         from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
         join pg_opclass o on o.oid = any (i.indclass::oid[])
         -- As vector_segments reads them.
         cross join lateral (
           select substring(s.predicate from 'ordinal >= ''?(\\d+)')::bigint as low,
                  substring(s.predicate from 'ordinal < ''?(\\d+)')::bigint as high
           from (select pg_get_expr(i.indpred, i.indrelid) as predicate) s) b
         where i.indrelid = p.oid and a.amname in ('hnsw', 'ivfflat')), '[]') as built
     from models m
     join pg_class p on p.oid = to_regclass('chunk_embeddings_' || replace(m.id::text, '-', ''))
     where m.id = $1 and m.kind = 'embedding' and m.deleted_at is null`,
    [modelId],
  );
  return row ?? null;
}

/**
 * Builds an index while others read and write. As the owner, outside of a transaction. One that is interrupted leaves an
 * index that is not valid, which has to be dropped.
 */
export async function buildVectorIndex(
  em: EntityManager,
  { partition, dimensions }: Pick<VectorIndexState, 'partition' | 'dimensions'>,
  index: Pick<VectorIndexRow, 'name' | 'kind' | 'metric' | 'parameters' | 'from' | 'to'>,
): Promise<void> {
  // pgvector indexes full precision up to 2,000 dimensions.
  const type = dimensions <= 2000 ? 'vector' : 'halfvec';
  const operators = `${type}_${index.metric === 'inner_product' ? 'ip' : index.metric}_ops`;
  const parameters = Object.entries(index.parameters).map(([name, value]) => `${name} = ${value}`);
  await query(
    em,
    `create index concurrently "${index.name}" on "${partition}"
     using ${index.kind} ((embedding::${type}(${dimensions})) ${operators}) with (${parameters.join(', ')})
     ${index.from === null && index.to === null ? '' : `where ${segmentCondition(index)}`}`,
  );
}

/** The rows of an index as a condition, in the words of its predicate, which the planner compares with it. */
export function segmentCondition({ from, to }: Pick<VectorIndexRow, 'from' | 'to'>): string {
  const bounds = [
    ...(from === null ? [] : [`ordinal >= '${from}'::bigint`]),
    ...(to === null ? [] : [`ordinal < '${to}'::bigint`]),
  ];
  return bounds.join(' and ') || 'true';
}

/** Drops an index while others read and write. As the owner, outside of a transaction. */
export async function dropVectorIndex(em: EntityManager, name: string): Promise<void> {
  await query(em, `drop index concurrently if exists "${name}"`);
}

/** Gives an index another name. As the owner. */
export async function renameVectorIndex(em: EntityManager, name: string, newName: string): Promise<void> {
  await query(em, `alter index "${name}" rename to "${newName}"`);
}

/** Says what indexes the vectors of a model shall have. */
export async function setVectorIndex(
  em: EntityManager,
  modelId: string,
  settings: Record<string, unknown>,
): Promise<void> {
  await query(em, `update models set vector_index = $2, updated_at = now() where id = $1`, [
    modelId,
    JSON.stringify(settings),
  ]);
}

/**
 * Embedding models of all workspaces that have grown to `bytes` of vectors and have no index that is complete, or whose
 * index ends before `numbers` numbers of younger vectors; for the operator role. One statement, whatever the number of
 * models; vectors are counted only of those that may have so many.
 */
export async function listGrownModels(
  em: EntityManager,
  { bytes, numbers }: { bytes: number; numbers: number },
): Promise<{ workspaceId: string; modelId: string }[]> {
  return query(
    em,
    `select m.workspace_id as "workspaceId", m.id as "modelId"
     from models m join pg_class p on p.oid = to_regclass('chunk_embeddings_' || replace(m.id::text, '-', ''))
     cross join lateral (
       select count(*) as indexes, bool_or(i.indpred is null) as whole,
              max(substring(pg_get_expr(i.indpred, i.indrelid) from 'ordinal < ''?(\\d+)')::bigint) as high
       from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
       where i.indrelid = p.oid and i.indisvalid and a.amname in ('hnsw', 'ivfflat')) b
     where m.kind = 'embedding' and m.deleted_at is null and pg_table_size(p.oid) >= $1
       and case when b.indexes = 0 then true
                when b.whole or (select last_value from chunk_embeddings_ordinal_seq) - b.high < $2 / m.dimensions then false
                else count_young_vectors(m.id, b.high, ($2 / m.dimensions)::integer) >= ($2 / m.dimensions)::integer end
     order by m.id`,
    [bytes, numbers],
  );
}

/** Embedding models of all workspaces that are not deleted, for the operator role. */
export async function listEmbeddingModels(em: EntityManager): Promise<{ workspaceId: string; modelId: string }[]> {
  return query(
    em,
    `select workspace_id as "workspaceId", id as "modelId" from models
     where kind = 'embedding' and deleted_at is null order by id`,
  );
}

/**
 * Embedding models of all workspaces whose rows have changed a few seconds ago, or a few minutes, and that ask for indexes
 * of their own, for the operator role: as long as the request for the building of an index is worth a look.
 */
export async function listChangedModels(em: EntityManager): Promise<{ workspaceId: string; modelId: string }[]> {
  return query(
    em,
    `select workspace_id as "workspaceId", id as "modelId" from models
     where kind = 'embedding' and deleted_at is null and vector_index <> '{}'
       and updated_at between now() - interval '15 minutes' and now() - interval '3 seconds'
     order by id`,
  );
}
