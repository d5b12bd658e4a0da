import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';

/** In the place of an activity's id: the turn was begun before its workflow has heard of it, and no activity has it yet. */
export const earlyActivity = 'early';

/** Temporal's names for a run of an activity; a retry has the same id and a higher attempt. */
export type ActivityRun = { runId: string; activityId: string; attempt: number };

/** Keeps others from going on with these turns for another `leaseMs`, as far as no activity has them. For the operator role. */
export async function renewLeases(em: EntityManager, turnIds: readonly string[], leaseMs: number): Promise<void> {
  await query(
    em,
    `update turns set leased_until = clock_timestamp() + $2 * interval '1 millisecond', updated_at = now()
     where id = any($1::uuid[]) and activity_id = 'early' and state = 'running'`,
    [turnIds, leaseMs],
  );
}

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

/** Notes that activities have turns that were begun early, whatever has become of these meanwhile. For any role. */
export async function noteAdoptions(
  em: EntityManager,
  adopted: ReadonlyArray<{ turnId: string; run: ActivityRun }>,
): Promise<void> {
  await query(
    em,
    `update turns t set run_id = g.run_id, activity_id = g.activity_id, activity_attempt = g.attempt, leased_until = null,
            updated_at = now()
     from unnest($1::uuid[], $2::text[], $3::text[], $4::int[]) as g (turn_id, run_id, activity_id, attempt)
     where t.id = g.turn_id and t.activity_id = 'early'`,
    [
      adopted.map(({ turnId }) => turnId),
      adopted.map(({ run }) => run.runId),
      adopted.map(({ run }) => run.activityId),
      adopted.map(({ run }) => run.attempt),
    ],
  );
}
