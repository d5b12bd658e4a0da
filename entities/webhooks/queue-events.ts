import type { EntityManager } from '@mikro-orm/postgresql';
import type { WebhookEvent } from '../../contracts/names/webhook-events.ts';
import { query } from '../sql.ts';

/**
 * SQL that writes a delivery for each webhook that wants an event, to stand in the very statement that makes the event
 * true. `events` names a relation of `workspace_id uuid`, `event text`, `key text` (what happened: a webhook is told of it
 * once) and `data jsonb`. Where nobody listens it costs one look at an index.
 */
export function queueFrom(events: string): string {
  return `insert into webhook_deliveries (id, workspace_id, webhook_id, event, event_key, payload)
    select gen_random_uuid(), e.workspace_id, w.id, e.event, e.key,
           jsonb_build_object('type', e.event, 'data', e.data, 'timestamp', ${sqlTime('now()')})
    from ${events} e
    join webhooks w on w.workspace_id = e.workspace_id and w.is_enabled and w.deleted_at is null
                    and e.event = any(w.events)
    on conflict (webhook_id, event_key) do nothing`;
}

/** SQL of a moment as the API writes it. */
export function sqlTime(moment: string): string {
  return `to_char(${moment} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
}

/** Something that happened; `key` tells it from all else that happens in the workspace. */
export type QueuedEvent = { workspaceId: string; event: WebhookEvent; key: string; data: Record<string, unknown> };

/** Writes deliveries of what happened in this transaction. */
export async function queueEvents(em: EntityManager, events: readonly QueuedEvent[]): Promise<void> {
  if (events.length === 0) return;
  await query(
    em,
    `with happened as (
       select * from unnest($1::uuid[], $2::text[], $3::text[], $4::jsonb[]) as g (workspace_id, event, key, data))
     ${queueFrom('happened')}`,
    [
      events.map(({ workspaceId }) => workspaceId),
      events.map(({ event }) => event),
      events.map(({ key }) => key),
      events.map(({ data }) => JSON.stringify(data)),
    ],
  );
}
