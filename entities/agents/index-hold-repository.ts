import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** First key of the advisory locks that keep the indexes of a model for the one who maintains them; SQL. */
export const heldIndexes = `hashtext('perdure.vector_indexes')`;

/**
 * Takes the indexes of a model for the connection, until it lets go of them or ends: one model at a time in a database.
 * False if anybody has one, also another step of the same connection.
 */
export async function holdIndexes(em: EntityManager, modelId: string): Promise<boolean> {
  const [row] = await query<{ held: boolean }>(
    em,
    `select case when exists (
         select from pg_locks l where l.locktype = 'advisory' and l.objsubid = 2 and l.pid = pg_backend_pid()
           and l.classid = ${heldIndexes}::oid) then false
       else pg_try_advisory_lock(${heldIndexes}, 0) and pg_try_advisory_lock(${heldIndexes}, hashtext($1)) end as held`,
    [modelId],
  );
  return row!.held;
}

/** Lets go of them; nothing happens where they are not held. */
export async function letIndexesGo(em: EntityManager, modelId: string): Promise<void> {
  await query(
    em,
    `select pg_advisory_unlock(${heldIndexes}, l.objid::bigint::bit(32)::integer) from pg_locks l
     where l.locktype = 'advisory' and l.objsubid = 2 and l.pid = pg_backend_pid() and l.classid = ${heldIndexes}::oid
       and l.objid in (0, hashtext($1)::oid)`,
    [modelId],
  );
}

/** Has indexes built by the connection's own process alone, or with as many as the server allows. */
export async function buildOnOneCore(em: EntityManager, isWanted: boolean): Promise<void> {
  await query(em, isWanted ? 'set max_parallel_maintenance_workers = 0' : 'reset max_parallel_maintenance_workers');
}

/** The server's process behind the connection. */
export async function readBackend(em: EntityManager): Promise<number> {
  const [row] = await query<{ pid: number }>(em, `select pg_backend_pid() as pid`);
  return row!.pid;
}

/**
 * Ends the statement that a process of the server runs for this login. In a transaction of its own, which goes on as the
 * login itself: only that has the right.
 */
export async function cancelStatement(em: EntityManager, pid: number): Promise<void> {
  await query(em, 'set local role none');
  await query(
    em,
    'select pg_cancel_backend(a.pid) from pg_stat_activity a where a.pid = $1 and a.usesysid is not null',
    [pid],
  );
}

/** How far building an index has come, as PostgreSQL says it; blocks are pages of the table. */
export type BuildProgress = { phase: string; done: number; total: number; unit: 'rows' | 'blocks' };

/** The index that is being built on a model's vectors, whoever builds it; null if none is. In a transaction, as cancelStatement. */
export async function readBuildProgress(em: EntityManager, partition: string): Promise<BuildProgress | null> {
  await query(em, 'set local role none');
  const [row] = await query<{ phase: string; rows: string; allRows: string; blocks: string; allBlocks: string }>(
    em,
    `select phase, tuples_done as rows, tuples_total as "allRows", blocks_done as blocks, blocks_total as "allBlocks"
     from pg_stat_progress_create_index where relid = to_regclass($1)`,
    [partition],
  );
  if (!row) return null;
  const countsRows = Number(row.allRows) > 0;
  return {
    phase: row.phase,
    done: Number(countsRows ? row.rows : row.blocks),
    total: Number(countsRows ? row.allRows : row.allBlocks),
    unit: countsRows ? 'rows' : 'blocks',
  };
}
