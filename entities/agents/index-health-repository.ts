import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { segmentCondition, type VectorIndexRow, type VectorIndexState } from './vector-index-repository.ts';

/** What PostgreSQL's statistics say about a model's vectors. */
export type VectorStatistics = { rows: number; deadRows: number; changedRows: number | null };

/** Reads them; rows that were deleted but not cleared up are the dead ones. */
export async function readVectorStatistics(em: EntityManager, partition: string): Promise<VectorStatistics> {
  const [row] = await query<VectorStatistics>(
    em,
    `select greatest(pg_stat_get_live_tuples(c.oid), 0)::float8 as rows, pg_stat_get_dead_tuples(c.oid)::float8 as "deadRows",
       case when c.reltuples >= 0 then pg_stat_get_mod_since_analyze(c.oid)::float8 end as "changedRows"
     from pg_class c where c.oid = to_regclass($1)`,
    [partition],
  );
  return row!;
}

/** The next models of all workspaces, by id, that have an index of their vectors; for the operator role. */
export async function listIndexedModels(
  em: EntityManager,
  after: string | null,
  limit: number,
): Promise<{ workspaceId: string; modelId: string }[]> {
  return query(
    em,
    `select m.workspace_id as "workspaceId", m.id as "modelId"
     from models m join pg_class p on p.oid = to_regclass('chunk_embeddings_' || replace(m.id::text, '-', ''))
     where m.kind = 'embedding' and m.deleted_at is null and ($1::uuid is null or m.id > $1)
       and exists (select from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
                   where i.indrelid = p.oid and a.amname in ('hnsw', 'ivfflat'))
     order by m.id limit $2`,
    [after, limit],
  );
}

/** Bytes of all databases of the server that the role may look at. */
export async function readDatabaseBytes(em: EntityManager): Promise<number> {
  const [row] = await query<{ bytes: number }>(
    em,
    `select sum(pg_database_size(oid))::float8 as bytes from pg_database where has_database_privilege(oid, 'connect')`,
  );
  return row!.bytes;
}

/** Vectors drawn from pages anywhere in the table, as pgvector writes them. */
export async function sampleVectors(
  em: EntityManager,
  { partition, rows }: Pick<VectorIndexState, 'partition' | 'rows'>,
  limit: number,
): Promise<string[]> {
  // A few rows a page: ten times as many as are wanted come from enough pages not to be neighbours of each other.
  const percent = Math.min(100, Math.max(0.001, (1000 * limit) / Math.max(1, rows)));
  const found = await query<{ embedding: string }>(
    em,
    `select s.embedding::text as embedding from (
       select embedding from "${partition}" tablesample system (${percent}) order by random() limit $1) s`,
    [limit],
  );
  return found.map((row) => row.embedding);
}

/** How many rows there are between the bounds of an index; all of them, where it has none. */
export async function countSegmentRows(
  em: EntityManager,
  partition: string,
  segment: Pick<VectorIndexRow, 'from' | 'to'>,
): Promise<number> {
  const [row] = await query<{ rows: number }>(
    em,
    `select count(*)::float8 as rows from "${partition}" where ${segmentCondition(segment)}`,
  );
  return row!.rows;
}

/** Vectors to ask for, and how: `depth` nearest each of those between the bounds, through `breadth` candidates. */
export type NearestQuery = {
  state: Pick<VectorIndexState, 'partition' | 'dimensions'>;
  segment: Pick<VectorIndexRow, 'from' | 'to'>;
  metric: VectorIndexRow['metric'];
  vectors: readonly string[];
  depth: number;
};

/** Distances of the nearest by comparing with all, in ascending order, for each of the vectors. As the owner. */
export async function findNearestExactly(em: EntityManager, nearest: NearestQuery): Promise<number[][]> {
  const rows = await query<{ distances: number[] | null }>(
    em,
    `select distances from nearest_by_comparing($1, $2, search_operator($3), $4::text[]::vector[], $5, $6)
     order by place`,
    [
      nearest.state.partition,
      vectorType(nearest.state),
      nearest.metric,
      nearest.vectors,
      nearest.depth,
      segmentCondition(nearest.segment),
    ],
  );
  return rows.map((row) => row.distances ?? []);
}

/**
 * Distances of the nearest as one index finds them, in ascending order, and the milliseconds that took. `others` are the
 * indexes that the planner might take instead: they are out of the way within a savepoint, for which everybody waits who
 * reads the table, so only few vectors are to be asked for at once. As the owner, in a transaction.
 * @throws an error with SQLSTATE 55P03 where the table is not to be had within a moment.
 */
export async function findNearestByIndex(
  em: EntityManager,
  nearest: NearestQuery & { index: VectorIndexRow; others: readonly string[]; breadth: number },
): Promise<{ distances: number[]; ms: number }[]> {
  const { state, metric, index, others, breadth } = nearest;
  const { kind, parameters } = index;
  const lists = parameters['lists'] ?? 100;
  // As search_dense chooses them.
  const probes = kind === 'ivfflat' ? Math.min(lists, Math.ceil(Math.sqrt((lists * breadth) / 40))) : null;
  await query(em, `set local lock_timeout = '300ms'`);
  await query(em, 'savepoint measured');
  for (const name of others) await query(em, `drop index "${name}"`);
  const rows = await query<{ distances: number[] | null; ms: number }>(
    em,
    `select distances, ms from nearest_by_index($1, $2, search_operator($3), $4::text[]::vector[], $5, $6, $7, $8)
     order by place`,
    [
      state.partition,
      vectorType(state),
      metric,
      nearest.vectors,
      nearest.depth,
      breadth,
      probes,
      segmentCondition(nearest.segment),
    ],
  );
  await query(em, 'rollback to savepoint measured');
  return rows.map(({ distances, ms }) => ({ distances: (distances ?? []).toSorted((a, b) => a - b), ms }));
}

/** Takes dead rows out of a model's vectors and their indexes, and makes the planner's statistics. Outside of a transaction. */
export async function vacuumVectors(em: EntityManager, partition: string): Promise<void> {
  await query(em, `vacuum (analyze) "${partition}"`);
}

/** Makes the planner's statistics of a model's vectors anew. */
export async function analyzeVectors(em: EntityManager, partition: string): Promise<void> {
  await query(em, `analyze "${partition}"`);
}

/** Has searches with a model look through so many candidates at least. */
export async function raiseSearchBreadth(em: EntityManager, modelId: string, breadth: number): Promise<void> {
  await query(
    em,
    `update models set vector_index = vector_index || jsonb_build_object('ef_search', $2::integer), updated_at = now()
     where id = $1`,
    [modelId, breadth],
  );
}

/** Whether the last rebuild of an index, within so many days, was dropped because it was worse. For the owner or operator. */
export async function wasRebuiltInVain(em: EntityManager, indexName: string, days: number): Promise<boolean> {
  const [row] = await query<{ kept: string | null }>(
    em,
    `select did ->> 'kept' as kept from maintenance_reports
     where task = 'vector_index' and subject = $1 and decided = 'reindex' and state = 'done'
       and started_at > now() - make_interval(days => $2)
     order by started_at desc limit 1`,
    [indexName, days],
  );
  return row?.kept === 'false';
}

function vectorType({ dimensions }: Pick<VectorIndexState, 'dimensions'>): string {
  return `${dimensions <= 2000 ? 'vector' : 'halfvec'}(${dimensions})`;
}
