import { createBuryDelivery } from './bury-delivery.ts';
import { createSendWebhook } from './send-webhook.ts';
import type { WebhookDeps } from './webhook-deps.ts';

/** The steps of a delivery. */
export function createWebhookActivities(deps: WebhookDeps) {
  return { sendWebhook: createSendWebhook(deps), buryDelivery: createBuryDelivery(deps) };
}
