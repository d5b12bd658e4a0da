import { webhookDeliverySchema, type Webhook, type WebhookDelivery } from '../../contracts/webhook.ts';
import type { Webhook as WebhookRow } from '../../entities/webhooks/webhook.ts';
import type { DeliveryRow } from '../../entities/webhooks/webhook-delivery-repository.ts';
import { presentOptionalTime, presentTime } from '../framework/present-time.ts';

/** A webhook as the API shows it; its secrets stay here. */
export function presentWebhook(row: WebhookRow): Webhook {
  const until = row.previousSecretUntil ?? null;
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: row.events as Webhook['events'],
    is_enabled: row.isEnabled,
    disable_after_hours: row.disableAfterHours ?? null,
    failing_since: presentOptionalTime(row.failingSince ?? null),
    disabled_reason: row.disabledReason ?? null,
    previous_secret_until: until !== null && until > new Date() ? presentTime(until) : null,
    created_at: presentTime(row.createdAt),
    updated_at: presentTime(row.updatedAt),
  };
}

/** A delivery as the API shows it. */
export function presentDelivery(row: DeliveryRow): WebhookDelivery {
  return webhookDeliverySchema.parse({
    id: row.id,
    webhook_id: row.webhook_id,
    url: row.url,
    event: row.event,
    payload: row.payload,
    state: row.state,
    attempts: row.attempts,
    last_status: row.last_status,
    last_error: row.last_error,
    last_attempt_at: presentOptionalTime(row.last_attempt_at),
    delivered_at: presentOptionalTime(row.delivered_at),
    created_at: presentTime(row.created_at),
    updated_at: presentTime(row.updated_at),
  });
}
