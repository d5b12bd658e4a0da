import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import { createdAt, updatedAt } from '../timestamps.ts';
import { workspacePolicies } from '../workspace-policies.ts';

/**
 * One event for one webhook, written in the transaction that the event is part of. Its id is the `webhook-id` of every
 * attempt to send it.
 */
export const WebhookDelivery = defineEntity({
  name: 'WebhookDelivery',
  tableName: 'webhook_deliveries',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    webhookId: p.uuid(),
    event: p.text(),
    /** What happened, so that a webhook is told of it once. */
    eventKey: p.text(),
    payload: p.json<Record<string, unknown>>(),
    state: p.enum(['pending', 'delivered', 'dead']).default('pending'),
    /** How often it was sent, over all of its redeliveries. */
    attempts: p.integer().default(0),
    /** HTTP status of the last answer; null without one. */
    lastStatus: p.integer().nullable(),
    lastError: p.json<{ code: string; detail: string }>().nullable(),
    lastAttemptAt: p.datetime(6).nullable(),
    deliveredAt: p.datetime(6).nullable(),
    /** From then on the sweep sees to it that its workflow runs. */
    dueAt: p.datetime(6).defaultRaw('now()'),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  uniques: [{ name: 'webhook_deliveries_webhook_id_event_key_key', properties: ['webhookId', 'eventKey'] }],
  indexes: [
    { name: 'webhook_deliveries_created_at_idx', properties: ['workspaceId', 'createdAt', 'id'] },
    { name: 'webhook_deliveries_webhook_id_idx', properties: ['workspaceId', 'webhookId'] },
    { name: 'webhook_deliveries_pending_idx', properties: ['dueAt'], where: `state = 'pending'::text` },
  ],
  checks: [
    { name: 'webhook_deliveries_attempts_check', expression: 'attempts >= 0' },
    {
      name: 'webhook_deliveries_delivered_check',
      expression: `(state = 'delivered'::text) = (delivered_at IS NOT NULL)`,
    },
    { name: 'webhook_deliveries_payload_check', expression: `jsonb_typeof(payload) = 'object'::text` },
  ],
  policies: workspacePolicies,
});

export type WebhookDelivery = InferEntity<typeof WebhookDelivery>;
