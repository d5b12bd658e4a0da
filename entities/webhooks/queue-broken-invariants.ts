import type { EntityManager } from '@mikro-orm/postgresql';
import { query } from '../sql.ts';
import { queueEvents } from './queue-events.ts';

// A message is to be read by a person; the report has the rest.
const mostBreaches = 20;

/**
 * Tells the webhooks of the operator's workspace, and no other, that the check has found broken invariants. `key` is that
 * of the check's run: what is called again with the same key is told once.
 */
export async function queueBrokenInvariants(
  em: EntityManager,
  found: {
    /** Name of the operator's workspace. */
    workspace: string;
    key: string;
    breaches: ReadonlyArray<{ invariant: number; entity: string; id: string; detail: string }>;
  },
): Promise<void> {
  if (found.breaches.length === 0) return;
  const rows = await query<{ id: string }>(em, `select id from workspaces where name = $1`, [found.workspace]);
  const invariants = [...new Set(found.breaches.map(({ invariant }) => invariant))].toSorted((a, b) => a - b);
  await queueEvents(
    em,
    rows.map(({ id }) => ({
      workspaceId: id,
      event: 'invariant.broken',
      key: `invariants/${found.key}`,
      data: { count: found.breaches.length, invariants, breaches: found.breaches.slice(0, mostBreaches) },
    })),
  );
}
