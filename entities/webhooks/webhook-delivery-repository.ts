import type { EntityManager } from '@mikro-orm/postgresql';
import type { DeliveryState } from '../../contracts/names/webhook-events.ts';
import { query } from '../sql.ts';
import { sqlTime } from './queue-events.ts';

/** Names a delivery. */
export type DeliveryKey = { workspaceId: string; deliveryId: string };

// While a workflow has a delivery the sweep leaves it alone, but for one that was never sent: its start may have failed.
// That a workflow is started which runs already does no harm.
const lookAgain = `now() + interval '15 minutes'`;

/** Takes deliveries of all workspaces that no workflow has, or has had for a while; the caller starts theirs. */
export async function claimDueDeliveries(em: EntityManager, most: number): Promise<DeliveryKey[]> {
  return query<DeliveryKey>(
    em,
    `update webhook_deliveries d set due_at = case when attempts = 0 then now() + interval '1 minute' else ${lookAgain} end
     from (select id from webhook_deliveries where state = 'pending' and due_at <= now()
           order by due_at limit $1 for update skip locked) due
     where d.id = due.id returning d.workspace_id as "workspaceId", d.id as "deliveryId"`,
    [most],
  );
}

/** A delivery as it is to be sent now; secrets are sealed, the one to sign with first. */
export type OpenDelivery = {
  state: DeliveryState;
  url: string;
  secrets: string[];
  body: string;
  /** Why nothing may be sent to the webhook; null if it may. */
  closed: 'deleted' | 'disabled' | null;
};

/** Reads a delivery with where it goes; null where there is none. */
export async function readDelivery(em: EntityManager, { deliveryId }: DeliveryKey): Promise<OpenDelivery | null> {
  const [row] = await query<OpenDelivery>(
    em,
    `select d.state, w.url, d.payload::text as body,
            array_remove(array[w.secret, case when w.previous_secret_until > now() then w.previous_secret end], null) as secrets,
            case when w.deleted_at is not null then 'deleted' when not w.is_enabled then 'disabled' end as closed
     from webhook_deliveries d join webhooks w on w.id = d.webhook_id where d.id = $1`,
    [deliveryId],
  );
  return row ?? null;
}

/** Notes that the receiver has taken a message; what has ended otherwise stays as it is. */
export async function noteDelivered(em: EntityManager, { deliveryId }: DeliveryKey, status: number): Promise<void> {
  await query(
    em,
    `with delivered as (
       update webhook_deliveries
       set state = 'delivered', attempts = attempts + 1, last_status = $2, last_error = null, last_attempt_at = now(),
           delivered_at = now()
       where id = $1 and state = 'pending' returning webhook_id)
     update webhooks w set failing_since = null from delivered d
     where w.id = d.webhook_id and w.failing_since is not null`,
    [deliveryId, status],
  );
}

/**
 * Notes that an attempt has failed; `status` is null without an answer. A webhook that shall be disabled after a while
 * without any success is, once that is over.
 */
export async function noteFailedAttempt(
  em: EntityManager,
  { deliveryId }: DeliveryKey,
  { status, error }: { status: number | null; error: { code: string; detail: string } },
): Promise<void> {
  await query(
    em,
    `with failed as (
       update webhook_deliveries
       set attempts = attempts + 1, last_status = $2, last_error = $3, last_attempt_at = now(), due_at = ${lookAgain}
       where id = $1 and state = 'pending' returning webhook_id),
     failing as (
       select w.id, w.disable_after_hours * interval '1 hour' <= now() - coalesce(w.failing_since, now()) as is_over
       from webhooks w join failed f on f.webhook_id = w.id for no key update of w)
     update webhooks w
     set failing_since = coalesce(w.failing_since, now()),
         is_enabled = w.is_enabled and f.is_over is not true,
         disabled_reason = case when w.is_enabled and f.is_over
           then concat('No message was taken for ', w.disable_after_hours, ' hours') else w.disabled_reason end
     from failing f where w.id = f.id and (w.failing_since is null or f.is_over)`,
    [deliveryId, status, JSON.stringify(error)],
  );
}

/** Puts a delivery among the dead letters; the error of its last attempt stays where none is given. */
export async function buryDelivery(
  em: EntityManager,
  { deliveryId }: DeliveryKey,
  error: { code: string; detail: string } | null,
): Promise<void> {
  await query(
    em,
    `update webhook_deliveries set state = 'dead', last_error = coalesce($2, last_error)
     where id = $1 and state = 'pending'`,
    [deliveryId, error && JSON.stringify(error)],
  );
}

/** Has a delivery that has ended sent once more, under the same id; false where it is on its way or does not exist. */
export async function reviveDelivery(em: EntityManager, deliveryId: string): Promise<boolean> {
  const rows = await query(
    em,
    `update webhook_deliveries set state = 'pending', delivered_at = null, due_at = now() + interval '5 seconds'
     where id = $1 and state <> 'pending' returning id`,
    [deliveryId],
  );
  return rows.length > 0;
}

/** Writes a message to one webhook, whatever it has subscribed to. */
export async function queueTest(
  em: EntityManager,
  { workspaceId, deliveryId, webhookId, event }: DeliveryKey & { webhookId: string; event: string },
): Promise<void> {
  await query(
    em,
    `insert into webhook_deliveries (id, workspace_id, webhook_id, event, event_key, payload, due_at)
     values ($1, $2, $3, $4, 'test/' || $1::uuid,
             jsonb_build_object('type', $4::text, 'timestamp', ${sqlTime('now()')},
                                'data', jsonb_build_object('webhook_id', $3::uuid)), now() + interval '5 seconds')`,
    [deliveryId, workspaceId, webhookId, event],
  );
}

/** A delivery as a reader sees it. */
export type DeliveryRow = {
  id: string;
  webhook_id: string;
  url: string;
  event: string;
  payload: Record<string, unknown>;
  state: DeliveryState;
  attempts: number;
  last_status: number | null;
  last_error: { code: string; detail: string } | null;
  last_attempt_at: Date | null;
  delivered_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

const columns = `d.id, d.webhook_id, w.url, d.event, d.payload, d.state, d.attempts, d.last_status, d.last_error,
  d.last_attempt_at, d.delivered_at, d.created_at, d.updated_at`;
const from = `webhook_deliveries d join webhooks w on w.id = d.webhook_id`;

/** Finds a delivery of the workspace. */
export async function findDelivery(em: EntityManager, deliveryId: string): Promise<DeliveryRow | null> {
  const [row] = await query<DeliveryRow>(em, `select ${columns} from ${from} where d.id = $1`, [deliveryId]);
  return row ?? null;
}

/** Lists deliveries, newest first, after the delivery `afterId`. */
export async function listDeliveries(
  em: EntityManager,
  page: { state: string | null; webhookId: string | null; afterId: string | null; limit: number },
): Promise<DeliveryRow[]> {
  return query<DeliveryRow>(
    em,
    `select ${columns} from ${from}
     where ($1::text is null or d.state = $1) and ($2::uuid is null or d.webhook_id = $2)
       and ($3::uuid is null or (d.created_at, d.id) < (select created_at, id from webhook_deliveries where id = $3))
     order by d.created_at desc, d.id desc limit $4`,
    [page.state, page.webhookId, page.afterId, page.limit],
  );
}
