import type { EntityManager } from '@mikro-orm/postgresql';
import type { TurnEventKind } from '../../contracts/names/turn-events.ts';
import { query } from '../sql.ts';

/** One row of the stream log. */
export type TurnEventRow = { seq: number; attempt: number; kind: TurnEventKind; data: Record<string, unknown> };

/** Where a watcher stands: it has seen everything up to `after`. */
export type TurnCursor = { workspaceId: string; turnId: string; after: number };

/**
 * Reads the committed events behind each cursor, at most `limit` a turn, in order. Meant for the operator role: one
 * statement serves all watchers of a process, whatever their workspace, each of which was authorised when it subscribed.
 */
export async function readTurnEvents(
  em: EntityManager,
  cursors: readonly TurnCursor[],
  limit: number,
): Promise<Array<{ cursor: number; event: TurnEventRow }>> {
  const rows = await query<{
    cursor: string;
    seq: string;
    attempt: number;
    kind: TurnEventKind;
    data: TurnEventRow['data'];
  }>(
    em,
    `select g.cursor, e.seq, e.attempt, e.kind, e.data
     from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality as g (workspace_id, turn_id, after, cursor)
     cross join lateral (
       select seq, attempt, kind, data from turn_events t
       where t.turn_id = g.turn_id and t.workspace_id = g.workspace_id and t.seq > g.after
       order by t.seq limit $4) e
     order by g.cursor, e.seq`,
    [cursors.map((c) => c.workspaceId), cursors.map((c) => c.turnId), cursors.map((c) => c.after), limit],
  );
  return rows.map((row) => ({
    cursor: Number(row.cursor) - 1,
    event: { seq: Number(row.seq), attempt: row.attempt, kind: row.kind, data: row.data },
  }));
}

/** An event that an attempt wants to append; with `kind` null it appends nothing and only asks its fence. */
export type TurnEventToAppend = {
  workspaceId: string;
  turnId: string;
  attempt: number;
  seq: number;
  kind: TurnEventKind | null;
  data: Record<string, unknown>;
};

/** What the fence said of one turn: `live` is false once another attempt has taken over or the turn has ended. */
export type AppendVerdict = { turnId: string; live: boolean; cancelRequested: boolean };

/**
 * Appends events of any number of turns in one statement, each behind its own fence; harmless when run twice. The
 * database function bypasses row-level security and therefore takes the workspace with every row.
 */
export async function appendTurnEvents(
  em: EntityManager,
  events: readonly TurnEventToAppend[],
): Promise<AppendVerdict[]> {
  const rows = await query<{ turn_id: string; live: boolean; cancel_requested: boolean }>(
    em,
    `select turn_id, live, cancel_requested
     from append_turn_events($1::uuid[], $2::uuid[], $3::integer[], $4::bigint[], $5::text[], $6::jsonb[])`,
    [
      events.map((event) => event.workspaceId),
      events.map((event) => event.turnId),
      events.map((event) => event.attempt),
      events.map((event) => event.seq),
      events.map((event) => event.kind),
      events.map((event) => JSON.stringify(event.data)),
    ],
  );
  return rows.map((row) => ({ turnId: row.turn_id, live: row.live, cancelRequested: row.cancel_requested }));
}
