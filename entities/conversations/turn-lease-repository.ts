import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** In the place of an activity's id: the turn was begun before its workflow has heard of it, and no activity has it yet. */
export const earlyActivity = 'early';

/** Temporal's names for a run of an activity; a retry has the same id and a higher attempt. */
export type ActivityRun = { runId: string; activityId: string; attempt: number };

/**
 * Keeps others from going on with these turns for another `leaseMs`, as far as no activity has them. Of several turns those
 * that somebody works at just now are left out, because whoever waits for one holds the others up; they are returned. For
 * the operator role.
 */
export async function renewLeases(em: EntityManager, turnIds: readonly string[], leaseMs: number): Promise<string[]> {
  const rows = await query<{ id: string }>(
    em,
    `with mine as materialized (
       select id from turns where id = any($1::uuid[]) and activity_id = 'early' and state = 'running'),
     free as materialized (
       select t.id from turns t join mine using (id) order by t.id for no key update of t ${waiting(turnIds)}),
     renewed as (
       update turns t set leased_until = clock_timestamp() + $2 * interval '1 millisecond', updated_at = now()
       from free f where t.id = f.id and t.activity_id = 'early' and t.state = 'running')
     select id from mine where id not in (select id from free)`,
    [turnIds, leaseMs],
  );
  return rows.map(({ id }) => id);
}

const waiting = (turns: readonly unknown[]): string => (turns.length > 1 ? 'skip locked' : '');

/** Lets others go on with a turn after `delayMs`, if no activity has it yet. */
export async function endLease(em: EntityManager, turnId: string, delayMs: number): Promise<void> {
  await query(
    em,
    `update turns set leased_until = clock_timestamp() + $2 * interval '1 millisecond', updated_at = now()
     where id = $1 and activity_id = 'early' and state in ('running', 'waiting')`,
    [turnId, delayMs],
  );
}

/** Whether a turn goes on, and nobody has asked for its end. */
export async function isTurnWanted(em: EntityManager, turnId: string): Promise<boolean> {
  const rows = await query(
    em,
    `select from turns where id = $1 and state in ('running', 'waiting') and cancel_requested_at is null`,
    [turnId],
  );
  return rows.length > 0;
}

/**
 * Notes that activities have turns that were begun early, whatever has become of these meanwhile. Of several turns those that
 * somebody works at just now are left out, as by `renewLeases`, and returned. For any role.
 */
export async function noteAdoptions(
  em: EntityManager,
  adopted: ReadonlyArray<{ turnId: string; run: ActivityRun }>,
): Promise<string[]> {
  const rows = await query<{ turn_id: string }>(
    em,
    `with given as materialized (
       select g.* from unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) as g (turn_id, run_id, activity_id, attempt)
       join turns t on t.id = g.turn_id and t.activity_id = 'early'),
     free as materialized (
       select t.id from turns t join given g on g.turn_id = t.id order by t.id for no key update of t ${waiting(adopted)}),
     noted as (
       update turns t set run_id = g.run_id, activity_id = g.activity_id, activity_attempt = g.attempt,
              leased_until = null, updated_at = now()
       from given g join free f on f.id = g.turn_id where t.id = g.turn_id and t.activity_id = 'early')
     select turn_id from given where turn_id not in (select id from free)`,
    [
      adopted.map(({ turnId }) => turnId),
      adopted.map(({ run }) => run.runId),
      adopted.map(({ run }) => run.activityId),
      adopted.map(({ run }) => run.attempt),
    ],
  );
  return rows.map(({ turn_id: turnId }) => turnId);
}
